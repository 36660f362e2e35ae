// @ts-check
/**
 * Keeps the viewer's messages over plain HTTP until the gateway has acknowledged them. Lives in the
 * worker. Pure; times are arguments, in ms. It drops input that is too old (3).
 *
 * 1. Messages are numbered from 1. The gateway handles each number once, in order.
 * 2. `batch` gives the oldest messages without an acknowledgement. It gives them again, with the
 *    same numbers, until `acknowledge` removes them.
 * 3. Input that is older than a limit is dropped, because what a person typed at a picture that
 *    stood still is not meant for the picture that comes afterwards. "All keys up" takes its place
 *    under the same number, because the release of a key may be among the dropped messages.
 *
 * @import { ViewerMessage } from "../protocol/binary.js"
 * @import { ViewerControl } from "../protocol/control.js"
 * @import { Message } from "../protocol/batches.js"
 *
 * @typedef {{ number: number, message: Message, bytes: number, isInput: boolean, at_ms: number
 *   }} Item
 */

import { encodeBatch } from "../protocol/batches.js";
import { encodeToGateway } from "../protocol/binary.js";
import { encodeControl } from "../protocol/control.js";

/**
 * A request has at most so many bytes. Proxies accept 1 MiB if nobody configured more. A single
 * message may be larger than this limit, and then goes alone.
 */
export const MAX_BATCH_BYTES = 256 * 1024;
/** A request has at most so many messages. */
export const MAX_BATCH_MESSAGES = 256;

/** This message makes the gateway release all keys and buttons, as when the focus leaves. */
const ALL_KEYS_UP = encodeControl({ type: "SetFocus", focused: false });

export class RetransmissionQueue {
  /** @type {Item[]} */
  #items = [];
  #nextNumber = 1;
  /** The keys and buttons that are down. @type {Set<string>} */
  #down = new Set();

  /** Whether any message has no acknowledgement yet. */
  get isWaiting() {
    return this.#items.length > 0;
  }

  /** Whether a key or a pointer button is down. */
  get isAnyKeyDown() {
    return this.#down.size > 0;
  }

  /** Adds a message. @param {ViewerMessage} message @param {number} now_ms */
  push(message, now_ms) {
    const isInput = message.type !== "Ping" && message.type !== "Ack";
    if (message.type === "Key") this.#track(`key ${message.usage}`, message.down);
    if (message.type === "PointerButton") this.#track(`button ${message.button}`, message.down);
    this.#append(encodeToGateway(message), isInput, now_ms);
  }

  /** Adds a control message. @param {ViewerControl} message @param {number} now_ms */
  pushControl(message, now_ms) {
    if (message.type === "SetFocus" && !message.focused) this.#down.clear();
    this.#append(encodeControl(message), false, now_ms);
  }

  /**
   * Returns the oldest messages without an acknowledgement, as the body of a request. Before that,
   * it replaces input that is too old by "all keys up".
   *
   * @param {number} now_ms
   * @param {number} maxInputAge_ms
   * @returns {{ first: number, count: number, body: ArrayBuffer } | null} null if there is none
   */
  batch(now_ms, maxInputAge_ms) {
    for (const item of this.#items) {
      if (item.isInput && now_ms - item.at_ms > maxInputAge_ms) replaceByAllKeysUp(item);
    }
    /** @type {Message[]} */
    const messages = [];
    let bytes = 0;
    for (const item of this.#items) {
      bytes += item.bytes;
      if (messages.length > 0 && bytes > MAX_BATCH_BYTES) break;
      messages.push(item.message);
      if (messages.length === MAX_BATCH_MESSAGES) break;
    }
    if (messages.length === 0) return null;
    return {
      first: this.#items[0].number,
      count: messages.length,
      body: encodeBatch(messages),
    };
  }

  /** Removes all messages up to the number that the gateway has handled. @param {number} handled */
  acknowledge(handled) {
    this.#items = this.#items.filter((item) => item.number > handled);
  }

  /**
   * Replaces the largest of the oldest `count` messages by "all keys up", because a proxy refused a
   * request as too large.
   *
   * @param {number} count
   */
  giveUpLargest(count) {
    const sent = this.#items.slice(0, count);
    if (sent.length === 0) return;
    replaceByAllKeysUp(sent.reduce((a, b) => (b.bytes > a.bytes ? b : a)));
  }

  /** @param {Message} message @param {boolean} isInput @param {number} at_ms */
  #append(message, isInput, at_ms) {
    // Each UTF-16 unit of a text takes at most 3 bytes of UTF-8.
    const bytes = typeof message === "string" ? message.length * 3 : message.byteLength;
    this.#items.push({ number: this.#nextNumber++, message, bytes, isInput, at_ms });
  }

  /** @param {string} name @param {boolean} isDown */
  #track(name, isDown) {
    if (isDown) this.#down.add(name);
    else this.#down.delete(name);
  }
}

/** @param {Item} item */
function replaceByAllKeysUp(item) {
  item.message = ALL_KEYS_UP;
  item.bytes = ALL_KEYS_UP.length;
  item.isInput = false;
}
