// @ts-check
/**
 * Encodes and decodes messages in the body of a plain HTTP request or answer. Pure; runs in the
 * worker.
 *
 * The messages stand one after the other, each as a u32 length (little-endian), a u8 kind (1
 * binary, 2 text), and its bytes. fanlight_common/protocol/batches.py is the other half;
 * tests/vectors/batches.json holds the two together.
 *
 * @typedef {ArrayBuffer | string} Message
 */

import { ProtocolError } from "./constants.js";

const HEAD_BYTES = 5;
const BINARY = 1;
const TEXT = 2;
const ENCODER = new TextEncoder();
const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Returns the body. @param {readonly Message[]} messages @returns {ArrayBuffer} */
export function encodeBatch(messages) {
  const parts = messages.map((message) =>
    typeof message === "string" ? ENCODER.encode(message) : new Uint8Array(message),
  );
  const size = parts.reduce((sum, part) => sum + HEAD_BYTES + part.length, 0);
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  let at = 0;
  parts.forEach((part, index) => {
    view.setUint32(at, part.length, true);
    view.setUint8(at + 4, typeof messages[index] === "string" ? TEXT : BINARY);
    bytes.set(part, at + HEAD_BYTES);
    at += HEAD_BYTES + part.length;
  });
  return bytes.buffer;
}

/** Returns the messages. Throws ProtocolError. @param {ArrayBuffer} body @returns {Message[]} */
export function decodeBatch(body) {
  const view = new DataView(body);
  /** @type {Message[]} */
  const messages = [];
  let at = 0;
  while (at < body.byteLength) {
    if (body.byteLength - at < HEAD_BYTES) throw new ProtocolError("batch: truncated");
    const length = view.getUint32(at, true);
    const kind = view.getUint8(at + 4);
    at += HEAD_BYTES;
    if (length > body.byteLength - at) throw new ProtocolError("batch: truncated");
    messages.push(read(body.slice(at, at + length), kind));
    at += length;
  }
  return messages;
}

/** @param {ArrayBuffer} bytes @param {number} kind @returns {Message} */
function read(bytes, kind) {
  if (kind === BINARY) return bytes;
  if (kind !== TEXT) throw new ProtocolError(`batch: unknown kind ${kind}`);
  try {
    return DECODER.decode(bytes);
  } catch {
    throw new ProtocolError("batch: a text that is not UTF-8");
  }
}
