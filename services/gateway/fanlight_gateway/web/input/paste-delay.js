// @ts-check
/**
 * Holds keys back until a text is on the desk's clipboard. Lives in the page; owns the keys that
 * wait, and the timer that ends the wait.
 *
 * The text has to be on the desk before the key that pastes it. The browser hands the text over
 * (its paste event) just after the key's own event. So the key waits, and every key after it, so
 * that they stay in order. Without a paste event they go after `PASTE_WAIT_MS`.
 *
 * @import { InputMessage } from "../protocol/binary.js"
 */

/** The browser's paste event follows its key at once; without one the keys go then (ms). */
export const PASTE_WAIT_MS = 60;

export class PasteDelay {
  /** @type {(messages: InputMessage[]) => void} */
  #send;
  /** Null: nothing is awaited. @type {InputMessage[] | null} */
  #waiting = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {(messages: InputMessage[]) => void} send */
  constructor(send) {
    this.#send = send;
  }

  /** A key was pressed that pastes. Does nothing if another one waits already. */
  start() {
    if (this.#waiting !== null) return;
    this.#waiting = [];
    this.#timer = setTimeout(() => this.finish(), PASTE_WAIT_MS);
  }

  /** Sends the messages, now or behind those that wait. @param {InputMessage[]} messages */
  send(messages) {
    if (messages.length === 0) return;
    if (this.#waiting) this.#waiting.push(...messages);
    else this.#send(messages);
  }

  /** The text is on its way to the desk: sends what waits. */
  finish() {
    const waiting = this.#waiting;
    this.drop();
    if (waiting?.length) this.#send(waiting);
  }

  /** Drops what waits. */
  drop() {
    clearTimeout(this.#timer);
    this.#waiting = null;
  }
}
