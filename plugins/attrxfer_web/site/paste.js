"use strict";
// A face cut out of a photo, and what the network changed in it added to the photo: the arithmetic of `attrxfer transfer`.
// Photos are ImageData (RGBA); crops and results are bytes, RGB, size * size * 3.

const FADE = 0.4; // width of the ring in which a change fades, in half sides of the crop; it ends at the circle inside it
const BORDER = 0.18; // width of the border in which nothing should change, in sides of the crop
const SPREAD = 0.3; // where squares overlap, the weight of each falls as a Gaussian; twice its standard deviation, in sides
const REPLACED = 60; // a change of this many steps of 255 removes two thirds of the photo's finer texture
const UPRIGHT = 1e-9; // rotations below this angle are rounding errors
const GAUSSIAN = 4; // reach in pixels of the Gaussian with standard deviation 1

/** Cuts a square out of a photo: resized as training images are, then rotated. Where it leaves the photo, its border is repeated. */
function extractCrop(photo, similarity) {
  const { size, rotation, translation } = similarity;
  const scale = Math.hypot(...rotation);
  const angle = [rotation[0] / scale, rotation[1] / scale];
  const upright = Math.hypot(angle[0] - 1, angle[1]) < UPRIGHT;
  const centre = divide([size / 2 - translation[0], size / 2 - translation[1]], rotation);
  // the upright square around the rotated one: whole pixels of the crop, and what the filter sees beyond
  const half = upright ? size / 2 : Math.ceil((size / 2) * (Math.abs(angle[0]) + Math.abs(angle[1]))) + 2;
  const corner = [centre[0] - half / scale, centre[1] - half / scale];
  const margin = Math.ceil(LANCZOS * Math.max(1, 1 / scale));
  const first = [Math.floor(corner[0]) - margin, Math.floor(corner[1]) - margin];
  const length = Math.ceil((2 * half) / scale) + 2 * margin + 1;
  const [left, top] = [corner[0] - first[0], corner[1] - first[1]];
  const box = [left, top, left + (2 * half) / scale, top + (2 * half) / scale];
  const resized = resizeSquare(extended(photo, first, length), box, Math.round(2 * half));
  if (upright) return resized.values;

  const back = [angle[0], -angle[1]];
  const moved = multiply(back, [size / 2, size / 2]);
  const crop = new Uint8Array(size * size * 3);
  const pixel = new Float64Array(3);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const [u, v] = multiply(back, [x + 0.5, y + 0.5]);
      if (!readBicubic(resized, u + half - moved[0], v + half - moved[1], pixel)) pixel.fill(0);
      for (let c = 0; c < 3; c++) crop[(y * size + x) * 3 + c] = toByte(pixel[c]);
    }
  }
  return crop;
}

/** The square of `length` pixels from `first` (left, top), with the border's pixels repeated outside the photo. */
function extended(photo, [left, top], length) {
  const values = new Uint8Array(length * length * 3);
  let at = 0;
  for (let y = top; y < top + length; y++) {
    const row = Math.min(Math.max(y, 0), photo.height - 1) * photo.width;
    for (let x = left; x < left + length; x++) {
      const from = (row + Math.min(Math.max(x, 0), photo.width - 1)) * 4;
      values[at++] = photo.data[from];
      values[at++] = photo.data[from + 1];
      values[at++] = photo.data[from + 2];
    }
  }
  return { width: length, height: length, channels: 3, values };
}

function toByte(value) {
  return Math.min(Math.max(Math.round(value), 0), 255);
}

/**
 * Adds what a transfer changed in a crop to a photo, in place. Only the difference is enlarged, so that the photo's own
 * texture stays. Where the change is large, the texture belongs to what was replaced, and is removed with it.
 *
 * out: a copy of `photo`. others: squares of other faces that overlap; they share pixels by nearness to their centres.
 */
function paste(out, photo, crop, result, similarity, others) {
  const [left, top, right, bottom] = boundingBox(similarity, photo.width, photo.height);
  const values = changeOf(crop, result, similarity.size);
  if (left >= right || top >= bottom || values === null) return;
  const side = Math.min(similarity.size, Math.max(1, Math.round(sideOf(similarity))));
  const scale = side / similarity.size;
  let plane = { width: similarity.size, height: similarity.size, channels: 7, values };
  // a small face: what is reduced must not alias
  if (scale < 1) plane = resize(plane, [0, 0, similarity.size, similarity.size], side, side);

  const pixel = new Float64Array(7);
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const [u, v] = placeIn(similarity, x, y);
      const weight = blendWeight(u, v, x, y, others);
      if (weight === 0 || !readBicubic(plane, u * side, v * side, pixel)) continue;
      const replaced = Math.min(Math.max(pixel[6], 0), 1);
      const at = (y * photo.width + x) * 4;
      for (let c = 0; c < 3; c++) {
        const texture = photo.data[at + c] - pixel[3 + c];
        out.data[at + c] = toByte(out.data[at + c] + weight * (pixel[c] - replaced * texture));
      }
    }
  }
}

/** Where a pixel of the photo lies in the crop, in sides of the crop. */
function placeIn({ size, rotation, translation }, x, y) {
  const [u, v] = multiply(rotation, [x + 0.5, y + 0.5]);
  return [(u + translation[0]) / size, (v + translation[1]) / size];
}

/** 1 in the middle, falling smoothly to 0 at the circle inside the square; shared with other faces. */
function blendWeight(u, v, x, y, others) {
  const own = smooth((1 - Math.hypot(2 * u - 1, 2 * v - 1)) / FADE);
  if (own === 0 || others.length === 0) return own;
  const near = nearness(u, v);
  const rivals = others.reduce((sum, other) => sum + nearness(...placeIn(other, x, y)), 0);
  return (own * near) / (near + rivals + 1e-12);
}

function smooth(t) {
  const step = Math.min(Math.max(t, 0), 1);
  return step * step * (3 - 2 * step);
}

function nearness(u, v) {
  return Math.exp(-((u - 0.5) ** 2 + (v - 0.5) ** 2) / (SPREAD ** 2 / 2));
}

/**
 * Of each pixel of a crop: its change, without the colour shift along the border (3), the crop (3), and how much of the texture
 * is replaced (1). Null where nothing changed.
 */
function changeOf(crop, result, size) {
  const change = Float32Array.from(result, (value, i) => value - crop[i]);
  const drift = colourDrift(change, size);
  for (let i = 0; i < change.length; i++) change[i] -= drift[i % 3];
  if (change.every((value) => value === 0)) return null;
  const largest = new Float32Array(size * size);
  for (let i = 0; i < largest.length; i++) {
    largest[i] = Math.max(Math.abs(change[3 * i]), Math.abs(change[3 * i + 1]), Math.abs(change[3 * i + 2]));
  }
  const blur = blurred(blurred(largest, size, size, 1), size, 1, size);
  const values = new Float32Array(size * size * 7);
  for (let i = 0; i < largest.length; i++) {
    values.set(change.subarray(3 * i, 3 * i + 3), 7 * i);
    values.set(crop.subarray(3 * i, 3 * i + 3), 7 * i + 3);
    values[7 * i + 6] = 1 - Math.exp(-((blur[i] / REPLACED) ** 2));
  }
  return values;
}

/** The median of a change along the crop's border, where nothing should change. What really grows across it does not count. */
function colourDrift(change, size) {
  const edge = Array.from({ length: size }, (_, i) => smooth(Math.min(i + 0.5, size - i - 0.5) / size / BORDER));
  return [0, 1, 2].map((c) => {
    const border = [];
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) if (edge[y] * edge[x] < 0.5) border.push(change[(y * size + x) * 3 + c]);
    }
    border.sort((a, b) => a - b);
    const middle = border.length >> 1;
    return border.length % 2 ? border[middle] : (border[middle - 1] + border[middle]) / 2;
  });
}

/** A Gaussian with standard deviation 1 along lines of `size` values `step` apart, which lie `next` apart; borders are mirrored. */
function blurred(values, size, step, next) {
  const weights = Array.from({ length: 2 * GAUSSIAN + 1 }, (_, k) => Math.exp(-((k - GAUSSIAN) ** 2) / 2));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const out = new Float32Array(values.length);
  for (let line = 0; line < size; line++) {
    for (let i = 0; i < size; i++) {
      let sum = 0;
      for (let k = 0; k < weights.length; k++) {
        let at = i + k - GAUSSIAN;
        if (at < 0) at = -1 - at;
        if (at >= size) at = 2 * size - 1 - at;
        sum += weights[k] * values[line * next + at * step];
      }
      out[line * next + i * step] = sum / total;
    }
  }
  return out;
}
