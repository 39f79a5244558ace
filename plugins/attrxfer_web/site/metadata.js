"use strict";
// What a photo's file says of itself: its EXIF, which a result keeps, and what else it has, in words, which a result loses.

/** {exif, lost} of a file's bytes. exif: bytes for a PNG's eXIf chunk, upright and without a thumbnail; null where there is none. */
function readMetadata(bytes) {
  const parts = partsOf(bytes);
  const lost = new Set(parts.filter((part) => part.lost).map((part) => part.lost));
  const found = parts.find((part) => part.exif);
  const exif = found ? uprightExif(found.exif) : null;
  if (found && !exif) lost.add("EXIF, which is damaged");
  return { exif, lost: [...lost] };
}

function partsOf(bytes) {
  const begins = (sign, at = 0) => [...sign].every((letter, i) => bytes[at + i] === letter.charCodeAt(0));
  if (begins("\xff\xd8")) return partsOfJpeg(bytes, begins);
  if (begins("\x89PNG")) return partsOfPng(bytes, begins);
  if (begins("RIFF") && begins("WEBP", 8)) return partsOfWebp(bytes, begins);
  return begins("BM") || begins("GIF8") ? [] : [{ lost: "all metadata" }];
}

function partsOfJpeg(bytes, begins) {
  const parts = [];
  for (let at = 2; at + 4 <= bytes.length && bytes[at] === 0xff && bytes[at + 1] !== 0xda; ) {
    if (bytes[at + 1] === 0xff) {
      at++; // filling
      continue;
    }
    const end = at + 2 + bytes[at + 2] * 256 + bytes[at + 3];
    const is = (marker, sign) => bytes[at + 1] === marker && begins(sign, at + 4);
    if (is(0xe1, "Exif\0\0")) parts.push({ exif: bytes.slice(at + 10, end) });
    if (is(0xe1, "http://ns.adobe.com/x")) parts.push({ lost: "XMP" });
    if (is(0xe2, "ICC_PROFILE\0")) parts.push({ lost: "colour profile" });
    if (is(0xed, "Photoshop 3.0\0")) parts.push({ lost: "IPTC texts" });
    if (is(0xfe, "")) parts.push({ lost: "comment" });
    at = end;
  }
  return parts;
}

function partsOfPng(bytes, begins) {
  const parts = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 8; at + 8 <= bytes.length; at += 12 + view.getUint32(at)) {
    const end = at + 8 + view.getUint32(at);
    const is = (kind) => begins(kind, at + 4);
    if (is("eXIf")) parts.push({ exif: bytes.slice(at + 8, end) });
    if (is("iCCP")) parts.push({ lost: "colour profile" });
    if (is("iTXt") && begins("XML:com.adobe.xmp\0", at + 8)) parts.push({ lost: "XMP" });
    else if (is("iTXt") || is("tEXt") || is("zTXt")) parts.push({ lost: "texts" });
  }
  return parts;
}

function partsOfWebp(bytes, begins) {
  const parts = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 12; at + 8 <= bytes.length; ) {
    const length = view.getUint32(at + 4, true);
    const start = at + 8 + (begins("Exif\0\0", at + 8) ? 6 : 0);
    if (begins("EXIF", at)) parts.push({ exif: bytes.slice(start, at + 8 + length) });
    if (begins("ICCP", at)) parts.push({ lost: "colour profile" });
    if (begins("XMP ", at)) parts.push({ lost: "XMP" });
    at += 8 + length + (length % 2);
  }
  return parts;
}

const ORIENTATION = 0x0112;

/** EXIF of an image that was turned upright, without the pointer to its thumbnail, which shows the old image. Null: damaged. */
function uprightExif(exif) {
  const little = exif[0] === 0x49 && exif[1] === 0x49;
  if (!little && !(exif[0] === 0x4d && exif[1] === 0x4d)) return null;
  const view = new DataView(exif.buffer, exif.byteOffset, exif.length);
  try {
    const first = view.getUint32(4, little);
    const count = view.getUint16(first, little);
    for (let entry = first + 2; entry < first + 2 + 12 * count; entry += 12) {
      if (view.getUint16(entry, little) === ORIENTATION) view.setUint16(entry + 8, 1, little);
    }
    view.setUint32(first + 2 + 12 * count, 0, little);
  } catch {
    return null; // it points outside itself
  }
  return exif;
}
