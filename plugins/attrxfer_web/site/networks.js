"use strict";
// The networks of the page, opened once each.

const NEAR_ENOUGH = 2; // steps of 255 by which the graphics processor's results may differ from the processor's
const sessions = new Map();

/** A network that runs on the processor. */
function openNetwork(file) {
  return opened(file, async () => {
    await startRuntime();
    return openSession(await readFile(file), "wasm");
  });
}

/** A model's network: on the graphics processor where that is chosen and computes what the processor computes. */
function openModel(model) {
  return opened(model.file, async () => {
    await startRuntime();
    const bytes = await readFile(model.file);
    const sure = await openSession(bytes, "wasm");
    if (engine.kind !== "graphics") return sure;
    try {
      const fast = await openSession(bytes, "webgpu");
      const crop = Uint8Array.from({ length: model.size * model.size * 3 }, (_, i) => (i * 97) % 256);
      const [one, other] = [await transferBatch(fast, model, [crop], 1), await transferBatch(sure, model, [crop], 1)];
      if (one[0].every((value, i) => Math.abs(value - other[0][i]) <= NEAR_ENOUGH)) {
        await sure.release();
        return fast;
      }
      refuseGraphics("the graphics processor gives other results here");
    } catch (error) {
      refuseGraphics(`the graphics processor failed (${String(error.message ?? error).split("\n")[0].slice(0, 100)})`);
    }
    return sure;
  });
}

function opened(file, open) {
  if (!sessions.has(file)) sessions.set(file, open());
  return sessions.get(file);
}

function openSession(bytes, provider) {
  return ort.InferenceSession.create(bytes, { executionProviders: [provider], logSeverityLevel: 3 });
}

/** What a model makes of crops (bytes, RGB) at a strength; at strength 0 the crops themselves. */
async function transferCrops(model, crops, strength) {
  if (strength === 0 || crops.length === 0) return crops;
  return transferBatch(await openModel(model), model, crops, strength);
}

async function transferBatch(session, { size }, crops, strength) {
  const length = size * size * 3;
  const batch = new Uint8Array(crops.length * length);
  crops.forEach((crop, i) => batch.set(crop, i * length));
  const { results } = await session.run({
    images: new ort.Tensor("uint8", batch, [crops.length, size, size, 3]),
    strength: new ort.Tensor("float32", Float32Array.of(strength), []),
  });
  return crops.map((_, i) => results.data.slice(i * length, (i + 1) * length));
}
