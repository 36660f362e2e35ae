// @ts-check
/**
 * Decodes the binary messages of a gateway, and encodes those of a viewer. Pure; runs in the page
 * and in the worker.
 *
 * fanlight_common/protocol/binary.py and input.py are the other half and describe each byte;
 * tests/vectors/binary.json holds the two together. Messages are plain objects with their name in
 * `type`, so that they can be posted between the page and its worker. Everything is little-endian.
 * Positions are fractions of the desk in 1/65536, so that they mean the same when the desk changes
 * its size. Times are microseconds in a Number, which is exact up to 2^53 (285 years); larger times
 * are refused.
 *
 * A later release may append fields to a unit's header and to messages of fixed size. This module
 * passes such fields over. A unit of another version, stream kind or codec is a ProtocolError.
 *
 * @typedef {{ x: number, y: number, width: number, height: number }} Rectangle
 *
 * @typedef {{ type: "VideoUnit", idr: boolean, width: number, height: number, epoch: number,
 *   sequence: number, captured_us: number, payload: Uint8Array, patch: boolean,
 *   relaxed: boolean, areas: Rectangle[], kind: string, codec: string }} VideoUnit
 * @typedef {{ type: "Pong", id: number, viewer_us: number, gateway_us: number }} Pong
 * @typedef {{ type: "PointerPosition", x: number, y: number }} PointerPosition
 * @typedef {{ type: "PointerShape", width: number, height: number, hotspot_x: number,
 *   hotspot_y: number, png: Uint8Array }} PointerShape
 * @typedef {VideoUnit | Pong | PointerPosition | PointerShape} GatewayMessage
 *
 * @typedef {{ type: "Ping", id: number, viewer_us: number, base_rtt_ms: number }} Ping
 * @typedef {{ type: "Ack", age_ms: number, epoch: number, received: number, painted: number }} Ack
 * @typedef {{ type: "Key", down: boolean, usage: number, repeat?: boolean }} Key  repeat: whether
 *   it is the repetition of a held key. This is for outbox.js, and is not sent
 * @typedef {{ type: "PointerMove", x: number, y: number }} PointerMove
 * @typedef {{ type: "PointerMoveRelative", dx: number, dy: number }} PointerMoveRelative
 * @typedef {{ type: "PointerButton", down: boolean, button: number,
 *   position: readonly [number, number] | null }} PointerButton
 * @typedef {{ type: "Wheel", dx: number, dy: number,
 *   position: readonly [number, number] | null }} Wheel
 * @typedef {{ type: "Text", text: string }} Text
 * @typedef {Key | PointerMove | PointerMoveRelative | PointerButton | Wheel | Text} InputMessage
 * @typedef {Ping | Ack | InputMessage} ViewerMessage
 */

import { ProtocolError } from "./constants.js";

/** The name of the one codec that the viewer decodes, in units and in Hello. */
export const H264 = "h264";
const SCREEN = "screen";

const VIDEO_UNIT_VERSION = 1;
const VIDEO_UNIT_HEADER_BYTES = 28;
/** The bit of a unit's flags that says: its acknowledgement may wait. */
const RELAXED = 4;
/** The numbers of stream kind and codec in a unit's header. */
const SCREEN_NUMBER = 1;
const H264_NUMBER = 1;
/** No message of fixed size has more bytes, in this release or a later one. */
const MAX_FIXED_BYTES = 125;
const AREA_BYTES = 8;
const MAX_UNIT_AREAS = 8;
const POINTER_SHAPE_HEADER_BYTES = 12;
const UTF8 = new TextEncoder();

/**
 * Decodes a message of a gateway. Its payload is a view of `data`. Throws ProtocolError.
 *
 * @param {ArrayBuffer} data
 * @returns {GatewayMessage}
 */
export function decodeFromGateway(data) {
  if (data.byteLength === 0) throw new ProtocolError("empty message");
  const view = new DataView(data);
  const kind = view.getUint8(0);
  switch (kind) {
    case 0x01:
      return decodeVideoUnit(view);
    case 0x02:
      checkFixedSize(view, 24, "Pong");
      return {
        type: "Pong",
        id: view.getUint32(4, true),
        viewer_us: getUint64(view, 8),
        gateway_us: getUint64(view, 16),
      };
    case 0x03:
      checkFixedSize(view, 6, "PointerPosition");
      return { type: "PointerPosition", x: view.getUint16(2, true), y: view.getUint16(4, true) };
    case 0x04:
      return decodePointerShape(view);
    default:
      throw new ProtocolError(`unknown message type 0x${kind.toString(16).padStart(2, "0")}`);
  }
}

/**
 * Encodes a message of a viewer. The caller keeps the values in range.
 *
 * @param {ViewerMessage} message
 * @returns {ArrayBuffer}
 */
export function encodeToGateway(message) {
  switch (message.type) {
    case "Ping": {
      const view = allocate(0x10, 16);
      view.setUint16(2, message.base_rtt_ms, true);
      view.setUint32(4, message.id, true);
      view.setBigUint64(8, BigInt(message.viewer_us), true);
      return view.buffer;
    }
    case "Ack": {
      const view = allocate(0x11, 16);
      view.setUint16(2, message.age_ms, true);
      view.setUint32(4, message.epoch, true);
      view.setUint32(8, message.received, true);
      view.setUint32(12, message.painted, true);
      return view.buffer;
    }
    case "Key": {
      const view = allocate(0x20, 4);
      view.setUint8(1, Number(message.down));
      view.setUint16(2, message.usage, true);
      return view.buffer;
    }
    case "PointerMove": {
      const view = allocate(0x21, 6);
      setPosition(view, 2, [message.x, message.y]);
      return view.buffer;
    }
    case "PointerMoveRelative": {
      const view = allocate(0x22, 6);
      view.setInt16(2, message.dx, true);
      view.setInt16(4, message.dy, true);
      return view.buffer;
    }
    case "PointerButton": {
      const view = allocate(0x23, 8);
      view.setUint8(1, Number(message.down) | (message.position ? 2 : 0));
      view.setUint8(2, message.button);
      if (message.position) setPosition(view, 4, message.position);
      return view.buffer;
    }
    case "Wheel": {
      const view = allocate(0x24, 10);
      view.setUint8(1, message.position ? 2 : 0);
      view.setInt16(2, message.dx, true);
      view.setInt16(4, message.dy, true);
      if (message.position) setPosition(view, 6, message.position);
      return view.buffer;
    }
    case "Text": {
      const utf8 = UTF8.encode(message.text);
      const view = allocate(0x25, 1 + utf8.length);
      new Uint8Array(view.buffer).set(utf8, 1);
      return view.buffer;
    }
  }
}

/** @param {DataView<ArrayBuffer>} view @returns {VideoUnit} */
function decodeVideoUnit(view) {
  if (view.byteLength > 2 && view.getUint8(2) !== VIDEO_UNIT_VERSION) {
    const version = view.getUint8(2);
    throw new ProtocolError(`VideoUnit of version ${version}, wants ${VIDEO_UNIT_VERSION}`);
  }
  if (view.byteLength <= VIDEO_UNIT_HEADER_BYTES) throw new ProtocolError("VideoUnit: truncated");
  const flags = view.getUint8(1);
  const what = flags & 3;
  const areas_at = 4 * view.getUint8(3);
  const width = view.getUint16(24, true);
  const height = view.getUint16(26, true);
  if (what === 3 || areas_at < VIDEO_UNIT_HEADER_BYTES || width === 0 || height === 0) {
    throw new ProtocolError("VideoUnit: impossible header");
  }
  if (view.getUint8(4) !== SCREEN_NUMBER || view.getUint8(5) !== H264_NUMBER) {
    throw new ProtocolError("VideoUnit: unknown stream kind or codec");
  }
  const count = view.getUint8(6);
  if (count > MAX_UNIT_AREAS || (count > 0 && what !== 0)) {
    throw new ProtocolError("VideoUnit: impossible areas");
  }
  const payload_at = areas_at + count * AREA_BYTES;
  if (view.byteLength <= payload_at) throw new ProtocolError("VideoUnit: truncated");
  const areas = [];
  for (let at = areas_at; at < payload_at; at += AREA_BYTES) {
    areas.push(decodeArea(view, at, width, height));
  }
  return {
    type: "VideoUnit",
    idr: what === 1,
    patch: what === 2,
    relaxed: (flags & RELAXED) !== 0,
    width,
    height,
    epoch: view.getUint32(8, true),
    sequence: view.getUint32(12, true),
    captured_us: getUint64(view, 16),
    payload: new Uint8Array(view.buffer, payload_at),
    areas,
    kind: SCREEN,
    codec: H264,
  };
}

/** @param {DataView} view @param {number} at @param {number} across @param {number} down */
function decodeArea(view, at, across, down) {
  const x = view.getUint16(at, true);
  const y = view.getUint16(at + 2, true);
  const width = view.getUint16(at + 4, true);
  const height = view.getUint16(at + 6, true);
  if (width === 0 || height === 0 || x + width > across || y + height > down) {
    throw new ProtocolError("VideoUnit: impossible areas");
  }
  return { x, y, width, height };
}

/** @param {DataView<ArrayBuffer>} view @returns {PointerShape} */
function decodePointerShape(view) {
  if (view.byteLength < POINTER_SHAPE_HEADER_BYTES) {
    throw new ProtocolError("PointerShape: truncated");
  }
  return {
    type: "PointerShape",
    width: view.getUint16(2, true),
    height: view.getUint16(4, true),
    hotspot_x: view.getUint16(6, true),
    hotspot_y: view.getUint16(8, true),
    png: new Uint8Array(view.buffer, POINTER_SHAPE_HEADER_BYTES),
  };
}

/**
 * Throws ProtocolError unless the message has at least the bytes of its layout. It may have some
 * more, because a later release may append fields.
 *
 * @param {DataView} view @param {number} size @param {string} name
 */
function checkFixedSize(view, size, name) {
  if (view.byteLength < size || view.byteLength > MAX_FIXED_BYTES) {
    throw new ProtocolError(`${name}: ${view.byteLength} bytes, wants ${size}`);
  }
}

/** @param {DataView} view @param {number} offset */
function getUint64(view, offset) {
  const value = Number(view.getBigUint64(offset, true));
  if (!Number.isSafeInteger(value)) throw new ProtocolError("a time beyond 2^53 us");
  return value;
}

/**
 * Makes an empty message.
 *
 * @param {number} kind
 * @param {number} size
 * @returns {DataView<ArrayBuffer>}
 */
function allocate(kind, size) {
  const view = new DataView(new ArrayBuffer(size));
  view.setUint8(0, kind);
  return view;
}

/** @param {DataView} view @param {number} offset @param {readonly [number, number]} position */
function setPosition(view, offset, position) {
  view.setUint16(offset, position[0], true);
  view.setUint16(offset + 2, position[1], true);
}
