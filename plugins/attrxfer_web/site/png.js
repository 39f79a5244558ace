"use strict";
// What a result's PNG says of itself: how it was made, as attrxfer writes it, and the EXIF of the photo.

const HEADER = 33; // bytes of a PNG's signature and its first chunk, IHDR

/** A PNG (bytes) with an XMP packet, and with EXIF (bytes) where there is one. */
function withMetadata(png, packet, exif) {
  const text = new TextEncoder().encode(`XML:com.adobe.xmp\0\0\0\0\0${packet}`);
  const added = [chunk("iTXt", text), ...(exif ? [chunk("eXIf", exif)] : [])];
  return new Blob([png.subarray(0, HEADER), ...added, png.subarray(HEADER)], { type: "image/png" });
}

function chunk(kind, content) {
  const out = new Uint8Array(12 + content.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, content.length);
  out.set(new TextEncoder().encode(kind), 4);
  out.set(content, 8);
  view.setUint32(8 + content.length, crc32(out.subarray(4, 8 + content.length)));
  return out;
}

function crc32(bytes) {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
