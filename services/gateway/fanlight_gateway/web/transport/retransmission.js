// @ts-check
/**
 * What a viewer sends by plain HTTP, until the gateway has acknowledged it. Pure; times in ms.
 *
 * Messages are numbered from 1 and sent again until they are acknowledged; the gateway handles each
 * number once. Input that could not be delivered for too long is not delivered later: what a person
 * typed at a picture that stood still is not for the one that comes then. In its place, under the
 * same numbers, goes that all keys go up, because a key's own going up may be among what is lost.
 *
 * @import { ViewerMessage } from "../protocol/binary.js"
 * @import { ViewerControl } from "../protocol/control.js"
 * @import { Message } from "../protocol/batches.js"
 *
 * @typedef {{ number: number, message: Message, bytes: number, isInput: boolean, at_ms: number
 *   }} Item
 */

import { encodeBatch } from "../protocol/batches.js";
import { encodeControl } from "../protocol/control.js";
import { encodeToGateway } from "../protocol/binary.js";

/** In one request; a single message may be larger. Proxies take 1 MiB if nobody asked for more. */
export const MAX_BATCH_BYTES = 256 * 1024;
export const MAX_BATCH_MESSAGES = 256;

const RELEASE = encodeControl({ type: "SetFocus", focused: false });

export class Uplink {
  /** @type {Item[]} */
  #items = [];
  #next = 1;
  /** Keys and buttons that are down. @type {Set<string>} */
  #held = new Set();

  /** Whether there is anything without acknowledgement. */
  get waiting() {
    return this.#items.length > 0;
  }

  /** Whether a key or button is down. */
  get held() {
    return this.#held.size > 0;
  }

  /** @param {ViewerMessage} message @param {number} now_ms */
  push(message, now_ms) {
    const isInput = message.type !== "Ping" && message.type !== "Ack";
    if (message.type === "Key") this.#hold(`key ${message.usage}`, message.down);
    if (message.type === "PointerButton") this.#hold(`button ${message.button}`, message.down);
    this.#add(encodeToGateway(message), isInput, now_ms);
  }

  /** @param {ViewerControl} message @param {number} now_ms */
  control(message, now_ms) {
    if (message.type === "SetFocus" && !message.focused) this.#held.clear();
    this.#add(encodeControl(message), false, now_ms);
  }

  /**
   * The oldest messages without acknowledgement, as a request's body.
   *
   * @param {number} now_ms
   * @param {number} maxAge_ms  input that is older is given up
   * @returns {{ first: number, count: number, body: ArrayBuffer } | null}
   */
  batch(now_ms, maxAge_ms) {
    for (const item of this.#items) {
      if (item.isInput && now_ms - item.at_ms > maxAge_ms) release(item);
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

  /** The gateway has handled all up to this number. @param {number} handled */
  acknowledge(handled) {
    this.#items = this.#items.filter((item) => item.number > handled);
  }

  /** Somebody on the way does not let it through: the largest of these. @param {number} count */
  giveUpLargest(count) {
    const sent = this.#items.slice(0, count);
    if (sent.length === 0) return;
    release(sent.reduce((a, b) => (b.bytes > a.bytes ? b : a)));
  }

  /** @param {Message} message @param {boolean} isInput @param {number} at_ms */
  #add(message, isInput, at_ms) {
    const bytes = typeof message === "string" ? message.length * 3 : message.byteLength;
    this.#items.push({ number: this.#next++, message, bytes, isInput, at_ms });
  }

  /** @param {string} name @param {boolean} down */
  #hold(name, down) {
    if (down) this.#held.add(name);
    else this.#held.delete(name);
  }
}

/** @param {Item} item */
function release(item) {
  item.message = RELEASE;
  item.bytes = RELEASE.length;
  item.isInput = false;
}
