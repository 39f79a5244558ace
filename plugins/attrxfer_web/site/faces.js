"use strict";
// Faces found in a photo by BlazeFace: eyes and the middle of the mouth of each.

const DETECTOR = "detector.onnx";
const INPUT = 256; // side in pixels of what the detector gets
const CELLS = [[16, 2], [8, 6]]; // cells in a row of each of its grids, and the detections of a cell
const LIKELY = 0.5; // detections that are less likely a face are left out
const SAME = 0.3; // detections that share this part of their area are one face
const NEAR = 2.2; // a face is looked at again in a square of this many of its own sides
const KEYPOINTS = [0, 1, 3]; // of its six points: the eye on the left, that on the right, the middle of the mouth
const MIRRORED = [1, 0, 3]; // the same in a mirrored photo
const HIGHER = [0.025, 0.025, 0.11]; // how much higher CelebA's landmarks lie on average, in distances of the eyes

/** Points of all faces in a photo (a canvas), the largest first: x and y in pixels, 0, 0 the centre of the first pixel. */
async function findFaces(photo) {
  const side = Math.max(photo.width, photo.height);
  const whole = { left: (photo.width - side) / 2, top: (photo.height - side) / 2, side };
  const found = await detect(photo, whole);
  for (const part of parts(photo)) {
    const small = await detect(photo, part);
    found.push(...small.filter((face) => inside(face, part)));
  }
  const faces = [];
  for (const face of distinct(found)) {
    // again and near: points are exact to a pixel of what the detector gets
    const near = NEAR * face.side;
    const square = { left: face.centre[0] - near / 2, top: face.centre[1] - near / 2, side: near };
    const looks = [await detect(photo, square), await detect(photo, square, true)];
    const same = looks.map((found) => found.find((other) => shared(face, other) > SAME));
    if (same.every(Boolean)) faces.push({ ...same[0], points: landmarks(same.map((other) => other.points)) });
  }
  return distinct(faces).sort((a, b) => b.side - a.side).map((face) => face.points);
}

/** Squares of half the photo's longer side that overlap by half, for small faces. */
function parts({ width, height }) {
  const side = Math.max(width, height) / 2;
  const starts = (length) => {
    const count = Math.max(1, Math.ceil(length / side) * 2 - 1);
    return Array.from({ length: count }, (_, i) => (count === 1 ? (length - side) / 2 : (i * (length - side)) / (count - 1)));
  };
  return starts(height).flatMap((top) => starts(width).map((left) => ({ left, top, side })));
}

/** Whether a face lies in a part with room around it; one that is cut off there is whole in another part. */
function inside({ centre, side }, part) {
  const places = [centre[0] - part.left, centre[1] - part.top];
  return places.every((place) => place > 0.7 * side && place < part.side - 0.7 * side);
}

/** The mean of two looks at the same points, moved to where CelebA's landmarks lie. */
function landmarks([one, other]) {
  const points = one.map((point, i) => point.map((value, axis) => (value + other[i][axis]) / 2));
  const [x, y] = [points[1][0] - points[0][0], points[1][1] - points[0][1]];
  return points.map((point, i) => [point[0] + y * HIGHER[i], point[1] - x * HIGHER[i]]);
}

/** The faces in a square of a photo, the likeliest first. mirrored: the detector looks at its mirror image. */
async function detect(photo, { left, top, side }, mirrored = false) {
  const canvas = new OffscreenCanvas(INPUT, INPUT);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  if (mirrored) context.setTransform(-1, 0, 0, 1, INPUT, 0);
  context.scale(INPUT / side, INPUT / side);
  context.drawImage(photo, -left, -top);
  const { data } = context.getImageData(0, 0, INPUT, INPUT);
  const input = new Float32Array(INPUT * INPUT * 3);
  for (let i = 0; i < INPUT * INPUT; i++) for (let c = 0; c < 3; c++) input[3 * i + c] = data[4 * i + c] / 127.5 - 1;
  const session = await openNetwork(DETECTOR);
  const outputs = await session.run({ [session.inputNames[0]]: new ort.Tensor("float32", input, [1, INPUT, INPUT, 3]) });
  const values = session.outputNames.map((name) => outputs[name].data);

  const found = [];
  CELLS.forEach(([cells, each], grid) => {
    const [logits, boxes] = [values[grid], values[grid + CELLS.length]];
    for (let i = 0; i < logits.length; i++) {
      const score = 1 / (1 + Math.exp(-logits[i]));
      if (score < LIKELY) continue;
      const cell = Math.floor(i / each);
      const anchor = [((cell % cells) + 0.5) / cells, (Math.floor(cell / cells) + 0.5) / cells];
      const box = boxes.subarray(16 * i, 16 * i + 16);
      const place = (at) => {
        const [x, y] = [0, 1].map((axis) => anchor[axis] + box[at + axis] / INPUT);
        return [left + side * (mirrored ? 1 - x : x), top + side * y];
      };
      const points = (mirrored ? MIRRORED : KEYPOINTS).map((number) => place(4 + 2 * number).map((value) => value - 0.5));
      found.push({ score, centre: place(0), side: (side * box[2]) / INPUT, points });
    }
  });
  return distinct(found);
}

/** Of detections that show the same face, the likeliest. */
function distinct(faces) {
  const kept = [];
  for (const face of [...faces].sort((a, b) => b.score - a.score)) {
    if (kept.every((other) => shared(face, other) <= SAME)) kept.push(face);
  }
  return kept;
}

/** The area that two faces share, as a part of the smaller one's. */
function shared(one, other) {
  const sides = [0, 1].map((axis) => {
    const low = Math.max(one.centre[axis] - one.side / 2, other.centre[axis] - other.side / 2);
    const high = Math.min(one.centre[axis] + one.side / 2, other.centre[axis] + other.side / 2);
    return Math.max(0, high - low);
  });
  return (sides[0] * sides[1]) / Math.min(one.side, other.side) ** 2;
}
