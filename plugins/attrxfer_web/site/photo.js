"use strict";
// A photo as pixels, and what the models make of it.

const VIEW = 1024; // longer side in pixels at which the page shows larger photos; downloads have the photo's own size
const SMALLEST_SIDE = 24; // faces whose square has fewer pixels a side are left alone: a change would not be visible

/** A canvas with an image, on white where it is transparent. */
function drawn(image, width = image.width, height = image.height) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, width, height);
  return canvas;
}

function pixelsOf(canvas) {
  return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
}

/** Reads an image file: its canvas and pixels, upright and in sRGB, the same as the page shows them, and its metadata. */
async function openPhoto(file) {
  const bitmap = await createImageBitmap(file);
  const canvas = drawn(bitmap);
  bitmap.close();
  const factor = Math.min(1, VIEW / Math.max(canvas.width, canvas.height));
  const sides = [canvas.width, canvas.height].map((side) => Math.max(1, Math.round(side * factor)));
  const small = factor < 1 ? drawn(canvas, ...sides) : canvas;
  const pixels = pixelsOf(canvas);
  const view = factor < 1 ? pixelsOf(small) : pixels;
  const metadata = readMetadata(new Uint8Array(await file.arrayBuffer()));
  return { name: file.name, canvas, pixels, small, view, metadata, factor: view.width / pixels.width };
}

/** The faces of a photo as a model gets them: squares that are large enough, and their crops. */
function cutFaces(photo, faces, model) {
  const estimated = faces.map((points) => estimateSimilarity(points, model.alignment, model.size));
  const squares = estimated.filter((square) => square && sideOf(square) >= SMALLEST_SIDE);
  return { squares, crops: squares.map((square) => extractCrop(photo.pixels, square)) };
}

/** A photo with the results of its crops. whole: at its own size, else as the page shows it. */
function withResults(photo, { squares, crops }, results, whole) {
  const pixels = whole ? photo.pixels : photo.view;
  const placed = squares.map((square) => (whole ? square : reduced(square, photo.factor)));
  const out = new ImageData(new Uint8ClampedArray(pixels.data), pixels.width, pixels.height);
  placed.forEach((square, i) => {
    const others = placed.filter((other) => other !== square && overlap(square, other));
    paste(out, pixels, crops[i], results[i], square, others);
  });
  return out;
}

/** A PNG of pixels, with an XMP packet, and with EXIF where there is one. */
async function encoded(pixels, packet, exif) {
  const canvas = Object.assign(document.createElement("canvas"), { width: pixels.width, height: pixels.height });
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
  return withMetadata(new Uint8Array(await blob.arrayBuffer()), packet, exif);
}
