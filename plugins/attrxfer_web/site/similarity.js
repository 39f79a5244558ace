"use strict";
// The similarity transform from a photo to a crop, w = rotation * z + translation, as attrxfer's own.
// Points are complex numbers [x, y] in pixels. Images begin at 0: the first pixel's centre is 0.5, 0.5.

function multiply([a, b], [c, d]) {
  return [a * c - b * d, a * d + b * c];
}

function divide([a, b], [c, d]) {
  const length = c * c + d * d;
  return [(a * c + b * d) / length, (b * c - a * d) / length];
}

/** Brings points nearest to an alignment, by least squares; it never mirrors. Null where all points are in one place. */
function estimateSimilarity(points, alignment, size) {
  const middle = (list) => [0, 1].map((axis) => list.reduce((sum, point) => sum + point[axis], 0) / list.length);
  const [photo, crop] = [middle(points), middle(alignment)];
  let [real, imaginary, spread] = [0, 0, 0];
  points.forEach((point, i) => {
    const [x, y] = [point[0] - photo[0], point[1] - photo[1]];
    const [u, v] = [alignment[i][0] - crop[0], alignment[i][1] - crop[1]];
    real += x * u + y * v;
    imaginary += x * v - y * u;
    spread += x * x + y * y;
  });
  const rotation = [real / spread, imaginary / spread];
  if (!(Math.hypot(...rotation) > 0)) return null;
  // from pixel centres to the corners that the image begins at
  const moved = multiply(rotation, [photo[0] + 0.5, photo[1] + 0.5]);
  return { size, rotation, translation: [crop[0] + 0.5 - moved[0], crop[1] + 0.5 - moved[1]] };
}

/** Side of the crop's square in pixels of the photo. */
function sideOf(similarity) {
  return similarity.size / Math.hypot(...similarity.rotation);
}

/** Corners of the square in the photo, clockwise from the crop's own upper left. */
function cornersOf({ size, rotation, translation }) {
  const crop = [[0, 0], [size, 0], [size, size], [0, size]];
  return crop.map(([x, y]) => divide([x - translation[0], y - translation[1]], rotation));
}

/** The square's bounding box within a photo: left, top, right, bottom in whole pixels, the last two outside. */
function boundingBox(similarity, width, height) {
  const corners = cornersOf(similarity);
  const [x, y] = [0, 1].map((axis) => corners.map((corner) => corner[axis]));
  const within = (value, limit) => Math.min(Math.max(value, 0), limit);
  return [
    within(Math.floor(Math.min(...x)), width),
    within(Math.floor(Math.min(...y)), height),
    within(Math.ceil(Math.max(...x)), width),
    within(Math.ceil(Math.max(...y)), height),
  ];
}

/** Whether the bounding boxes of two squares overlap. */
function overlap(one, other) {
  const [a, b] = [cornersOf(one), cornersOf(other)];
  return [0, 1].every((axis) => {
    const [own, their] = [a, b].map((corners) => corners.map((corner) => corner[axis]));
    return Math.min(...their) < Math.max(...own) && Math.max(...their) > Math.min(...own);
  });
}

/** The same square in a photo reduced by a factor. */
function reduced({ size, rotation, translation }, factor) {
  return { size, rotation: rotation.map((part) => part / factor), translation };
}
