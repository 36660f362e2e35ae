// @ts-check
/**
 * Decodes a patch: its bytes become operations. Pure; runs in the worker.
 *
 * fanlight_common/protocol/patch.py describes the bytes; tests/vectors/patch.json holds the two
 * together. Positions and sizes are pixels of the desk. Operations are done in order: a copy takes
 * its pixels from the picture as the operations before it have left it.
 *
 * @import { Rectangle } from "./binary.js"
 *
 * @typedef {Rectangle & { type: "Copy", from_x: number, from_y: number }} CopyOperation
 * @typedef {Rectangle & { type: "Image", format: number, data: Uint8Array }} ImageOperation
 * @typedef {CopyOperation | ImageOperation} Operation
 */

import { ProtocolError } from "./constants.js";

/** A patch of more operations is refused. */
export const MAX_OPERATIONS = 4096;
/** The media type of an image, by its format number. @type {readonly (string | undefined)[]} */
export const MEDIA_TYPES = [undefined, "image/png", "image/jpeg", "image/webp"];

const COPY = 1;
const COPY_BYTES = 14;
const IMAGE = 2;
const IMAGE_HEADER_BYTES = 14;

/**
 * Returns the operations of a patch. Their images are views of `data`. Throws ProtocolError.
 *
 * @param {Uint8Array} data
 * @returns {Operation[]}
 */
export function decodePatch(data) {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  /** @type {Operation[]} */
  const operations = [];
  let position = 0;
  while (position < data.length) {
    if (operations.length >= MAX_OPERATIONS) throw new ProtocolError("patch: too many operations");
    const kind = data[position];
    if (kind !== COPY && kind !== IMAGE) {
      throw new ProtocolError(`patch: unknown operation ${kind}`);
    }
    const header_bytes = kind === COPY ? COPY_BYTES : IMAGE_HEADER_BYTES;
    if (position + header_bytes > data.length) throw new ProtocolError("patch: truncated");
    const uint16 = (/** @type {number} */ at) => view.getUint16(position + at, true);
    const rectangle = { x: uint16(2), y: uint16(4), width: uint16(6), height: uint16(8) };
    if (rectangle.width === 0 || rectangle.height === 0) {
      throw new ProtocolError("patch: an empty rectangle");
    }
    if (kind === COPY) {
      operations.push({ type: "Copy", ...rectangle, from_x: uint16(10), from_y: uint16(12) });
      position += COPY_BYTES;
      continue;
    }
    const format = data[position + 1];
    const begin = position + IMAGE_HEADER_BYTES;
    const end = begin + view.getUint32(position + 10, true);
    if (MEDIA_TYPES[format] === undefined || end === begin || end > data.length) {
      throw new ProtocolError("patch: not an image");
    }
    operations.push({ type: "Image", ...rectangle, format, data: data.subarray(begin, end) });
    position = end;
  }
  if (operations.length === 0) throw new ProtocolError("patch: empty");
  return operations;
}
