"use strict";
// The networks, run by ONNX Runtime Web.

const FILES = {}; // filled by the scripts in data/: gzip, as base64

/** The bytes of a file of the page. A page opened from a folder may not read the files beside it, so scripts hold them. */
async function readFile(name) {
  const packed = Uint8Array.from(atob(FILES[name]), (sign) => sign.charCodeAt(0));
  delete FILES[name];
  const plain = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(plain).arrayBuffer());
}

/** Prepares the runtime once: its module as a blob, its program as bytes, so that it requests nothing. */
const startRuntime = once(async () => {
  const module = new Blob([await readFile("ort-wasm-simd-threaded.mjs")], { type: "text/javascript" });
  ort.env.wasm.wasmPaths = { mjs: URL.createObjectURL(module) };
  ort.env.wasm.wasmBinary = await readFile("ort-wasm-simd-threaded.wasm");
  ort.env.wasm.numThreads = 1; // more need headers that a folder and most hosts do not send
});

const sessions = new Map();

/** The session of an ONNX file of the page; it is opened once. */
function openNetwork(file) {
  if (!sessions.has(file)) {
    const open = async () => {
      await startRuntime();
      return ort.InferenceSession.create(await readFile(file), { executionProviders: ["wasm"], logSeverityLevel: 3 });
    };
    sessions.set(file, open());
  }
  return sessions.get(file);
}

/** What a model makes of crops (bytes, RGB) at a strength; at strength 0 the crops themselves. */
async function transferCrops(model, crops, strength) {
  if (strength === 0 || crops.length === 0) return crops;
  const session = await openNetwork(model.file);
  const { size } = model;
  const length = size * size * 3;
  const batch = new Uint8Array(crops.length * length);
  crops.forEach((crop, i) => batch.set(crop, i * length));
  const { results } = await session.run({
    images: new ort.Tensor("uint8", batch, [crops.length, size, size, 3]),
    strength: new ort.Tensor("float32", Float32Array.of(strength), []),
  });
  return crops.map((_, i) => results.data.slice(i * length, (i + 1) * length));
}

/** A function that calls `make` once and then returns what it returned. */
function once(make) {
  let made;
  return () => (made ??= make());
}
