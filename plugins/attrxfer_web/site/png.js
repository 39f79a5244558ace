"use strict";
// How a result was made, written into its PNG as attrxfer writes it: an XMP packet in an iTXt chunk.

const HEADER = 33; // bytes of a PNG's signature and its first chunk, IHDR

/** A PNG (bytes) with an XMP packet. */
function withPacket(png, packet) {
  const text = new TextEncoder().encode(`iTXtXML:com.adobe.xmp\0\0\0\0\0${packet}`);
  const chunk = new Uint8Array(4 + text.length + 4);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, text.length - 4); // without the chunk's type
  chunk.set(text, 4);
  view.setUint32(4 + text.length, crc32(text));
  return new Blob([png.subarray(0, HEADER), chunk, png.subarray(HEADER)], { type: "image/png" });
}

function crc32(bytes) {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
