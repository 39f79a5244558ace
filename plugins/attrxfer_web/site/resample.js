"use strict";
// Resizing and rotating as Pillow does it, so that the page's crops are those of attrxfer.
// Planes are {width, height, channels, values}: values of a pixel stand side by side.

const LANCZOS = 3; // reach of that filter, in pixels of the coarser image
const REDUCING_GAP = 4; // much larger images are first averaged over blocks, to this many times the size

function lanczos(x) {
  if (x === 0) return 1;
  const angle = Math.PI * x;
  return Math.abs(x) < LANCZOS ? (LANCZOS * Math.sin(angle) * Math.sin(angle / LANCZOS)) / (angle * angle) : 0;
}

/** For each of `count` pixels that share start..end: the first source pixel, and the weights of it and those after it. */
function lanczosWeights(length, start, end, count) {
  const scale = (end - start) / count;
  const stretch = Math.max(scale, 1);
  return Array.from({ length: count }, (_, i) => {
    const centre = start + (i + 0.5) * scale;
    const first = Math.max(Math.trunc(centre - LANCZOS * stretch + 0.5), 0);
    const last = Math.min(Math.trunc(centre + LANCZOS * stretch + 0.5), length);
    const weights = Array.from({ length: last - first }, (_, k) => lanczos((k + first - centre + 0.5) / stretch));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}

/** Resizes the part `box` (left, top, right, bottom) of a plane; bytes are rounded after each direction, as Pillow does. */
function resize(plane, box, width, height) {
  const bytes = plane.values instanceof Uint8Array;
  const keep = bytes ? (value) => Math.min(Math.max(Math.floor(value + 0.5), 0), 255) : (value) => value;
  const across = lanczosWeights(plane.width, box[0], box[2], width);
  const down = lanczosWeights(plane.height, box[1], box[3], height);
  const { channels, values } = plane;
  const make = (length) => (bytes ? new Uint8Array(length) : new Float32Array(length));

  const rows = make(plane.height * width * channels);
  for (let y = 0; y < plane.height; y++) {
    for (let x = 0; x < width; x++) {
      const { first, weights } = across[x];
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        let at = (y * plane.width + first) * channels + c;
        for (let k = 0; k < weights.length; k++, at += channels) sum += weights[k] * values[at];
        rows[(y * width + x) * channels + c] = keep(sum);
      }
    }
  }
  const out = make(height * width * channels);
  const stride = width * channels;
  for (let y = 0; y < height; y++) {
    const { first, weights } = down[y];
    for (let i = 0; i < stride; i++) {
      let sum = 0;
      let at = first * stride + i;
      for (let k = 0; k < weights.length; k++, at += stride) sum += weights[k] * rows[at];
      out[y * stride + i] = keep(sum);
    }
  }
  return { width, height, channels, values: out };
}

/**
 * Averages blocks of `factor` pixels a side of the part `box` of bytes; the last blocks may be smaller. Pillow multiplies by
 * the truncated reciprocal in 24 bits, which is one less where the division has no rest.
 */
function average(plane, factor, [left, top, right, bottom]) {
  const [width, height] = [Math.ceil((right - left) / factor), Math.ceil((bottom - top) / factor)];
  const { channels, values } = plane;
  const out = new Uint8Array(width * height * channels);
  for (let y = 0; y < height; y++) {
    const [y0, y1] = [top + y * factor, Math.min(top + (y + 1) * factor, bottom)];
    for (let x = 0; x < width; x++) {
      const [x0, x1] = [left + x * factor, Math.min(left + (x + 1) * factor, right)];
      const count = (y1 - y0) * (x1 - x0);
      const reciprocal = Math.floor(Math.fround(2 ** 24 / count));
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let v = y0; v < y1; v++) for (let u = x0; u < x1; u++) sum += values[(v * plane.width + u) * channels + c];
        out[(y * width + x) * channels + c] = Math.floor(((sum + (count >> 1)) * reciprocal) / 2 ** 24);
      }
    }
  }
  return { width, height, channels, values: out };
}

/** Resizes a square part of a plane of bytes to `side` pixels, as Pillow does with a reducing gap. */
function resizeSquare(plane, box, side) {
  const factor = Math.trunc((box[2] - box[0]) / side / REDUCING_GAP) || 1;
  if (factor === 1) return resize(plane, box, side, side);
  const support = ((LANCZOS - 0.5) * (box[2] - box[0])) / side;
  const safe = [
    Math.max(0, Math.trunc(box[0] - support)),
    Math.max(0, Math.trunc(box[1] - support)),
    Math.min(plane.width, Math.ceil(box[2] + support)),
    Math.min(plane.height, Math.ceil(box[3] + support)),
  ];
  const near = box.map((value, i) => (value - safe[i % 2]) / factor);
  return resize(average(plane, factor, safe), near, side, side);
}

/**
 * Reads a plane by bicubic interpolation at x, y in pixels, into `into`. False, and nothing read, outside the plane.
 * The cubic is Pillow's, with a = -1; beyond the border its pixels are repeated.
 */
function readBicubic(plane, x, y, into) {
  const { width, height, channels, values } = plane;
  if (!(x >= 0 && x < width && y >= 0 && y < height)) return false;
  const [u, v] = [Math.floor(x - 0.5), Math.floor(y - 0.5)];
  setCubic(ACROSS, x - 0.5 - u);
  setCubic(DOWN, y - 0.5 - v);
  into.fill(0);
  for (let j = 0; j < 4; j++) {
    const row = Math.min(Math.max(v - 1 + j, 0), height - 1) * width;
    for (let i = 0; i < 4; i++) {
      let at = (row + Math.min(Math.max(u - 1 + i, 0), width - 1)) * channels;
      const weight = DOWN[j] * ACROSS[i];
      for (let c = 0; c < channels; c++) into[c] += weight * values[at++];
    }
  }
  return true;
}

const [ACROSS, DOWN] = [new Float64Array(4), new Float64Array(4)]; // for every pixel anew: arrays made for each cost more

/** The weights of the four pixels around a place that lies d behind the second one. */
function setCubic(weights, d) {
  weights[0] = d * (-1 + d * (2 - d));
  weights[1] = 1 + d * d * (-2 + d);
  weights[2] = d * (1 + d * (1 - d));
  weights[3] = d * d * (-1 + d);
}
