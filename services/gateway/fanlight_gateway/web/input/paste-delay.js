// @ts-check
/**
 * Holds keys back until a text is on the desk's clipboard. Lives in the page; owns the keys that
 * wait, and the timer that ends the wait.
 *
 *   state   | event                                        | next    | the messages
 *   --------+----------------------------------------------+---------+---------------------------
 *   idle    | 1 `start`: a key was pressed that pastes     | waiting |
 *   idle    | 2 `send`                                     | idle    | are sent at once
 *   waiting | 3 `send`                                     | waiting | wait behind those before
 *   waiting | 4 `start`: another such key                  | waiting | wait no longer than before
 *   waiting | 5 `finish`: the text is on its way; or       | idle    | that waited are sent
 *           |   `PASTE_WAIT_MS` have passed since 1        |         |
 *   any     | 6 `drop`: the desk has lost the keyboard     | idle    | that waited are dropped
 *
 * The text has to be on the desk before the key that pastes it. The browser hands the text over
 * (its paste event) just after the key's own event. So the key waits, and every key after it, so
 * that they stay in order. Without a paste event they go after `PASTE_WAIT_MS`. A test holds this
 * table against the code.
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
