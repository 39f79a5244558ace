"use strict";
// What runs the networks: ONNX Runtime Web, on the processor, or on the graphics processor where the page and the browser can.

const FILES = {}; // filled by the scripts in data/: gzip, as base64
const MOST_THREADS = 4; // more gain little on crops of this size
const engine = { kind: "processor", threads: 1, refused: "" };

/** The bytes of a file of the page. A page opened from a folder may not read the files beside it, so scripts hold them. */
async function readFile(name) {
  const packed = Uint8Array.from(atob(FILES[name]), (sign) => sign.charCodeAt(0));
  delete FILES[name];
  const plain = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(plain).arrayBuffer());
}

/** Prepares the runtime once: its module as a blob, its program as bytes, so that it requests nothing. */
const startRuntime = once(async () => {
  engine.kind = await chooseKind();
  if (crossOriginIsolated) engine.threads = Math.min(MOST_THREADS, navigator.hardwareConcurrency || 1);
  const { loader, module, program } = RUNTIMES[engine.kind];
  await Promise.all([loader, `data/${module}.js`, `data/${program}.js`].map(loadScript));
  const blob = new Blob([await readFile(module)], { type: "text/javascript" });
  ort.env.wasm.wasmPaths = { mjs: URL.createObjectURL(blob) };
  ort.env.wasm.wasmBinary = await readFile(program);
  ort.env.wasm.numThreads = engine.threads;
  tellEngine();
});

/** "graphics" where the page has the files and the browser what they need; ?engine=processor and ?engine=graphics choose. */
async function chooseKind() {
  const asked = new URLSearchParams(location.search).get("engine");
  if (!RUNTIMES.graphics || asked === "processor") return "processor";
  if (!navigator.gpu || !("Suspending" in WebAssembly)) {
    engine.refused = "this browser has no WebGPU that the page can use";
    return "processor";
  }
  const adapter = await navigator.gpu.requestAdapter().catch(() => null);
  if (adapter && (asked === "graphics" || !adapter.info?.isFallbackAdapter)) return "graphics";
  engine.refused = "no graphics processor found";
  return "processor";
}

/** Goes on with the processor; why, in words. */
function refuseGraphics(why) {
  Object.assign(engine, { kind: "processor", refused: why });
  tellEngine();
}

/** One line on the page: what runs the networks. */
function tellEngine() {
  const threads = `the processor, ${engine.threads} thread${engine.threads === 1 ? "" : "s"}`;
  const where = engine.kind === "graphics" ? "the graphics processor (WebGPU)" : threads;
  const why = engine.refused ? `: ${engine.refused}` : "";
  document.getElementById("engine").textContent = `The networks run on ${where}${why}.`;
}

/** Loads a script of the page. */
function loadScript(source) {
  return new Promise((done, failed) => {
    const script = document.createElement("script");
    script.addEventListener("load", done);
    script.addEventListener("error", () => failed(new Error(`${source} cannot be loaded`)));
    script.src = source;
    document.head.append(script);
  });
}

/** A function that calls `make` once and then returns what it returned. */
function once(make) {
  let made;
  return () => (made ??= make());
}
