// @ts-check
/**
 * Holds keys back until a text is on the desk's clipboard. Lives in the page; owns the keys that
 * wait, and the timer that ends the wait.
 *
 *   state   | event                                     | next    | effects
 *   --------+-------------------------------------------+---------+------------------------------
 *   idle    | 1 `start`: a key was pressed that pastes  | waiting |
 *   idle    | 2 `send`                                  | idle    | the messages are sent
 *   waiting | 3 `send`                                  | waiting | the messages wait behind others
 *   waiting | 4 `start`: another such key               | waiting | the wait does not begin anew
 *   waiting | 5 `finish`: the text is on its way; or    | idle    | the waiting messages are sent
 *           |   `PASTE_WAIT_MS` have passed since 1     |         |
 *   any     | 6 `drop`: the desk has lost the keyboard  | idle    | the waiting ones are dropped
 *
 * The text has to be on the desk before the key that pastes it. The browser hands the text over
 * (its paste event) just after the key's own event. So the key waits. Every key after it waits too,
 * so that they stay in order. If no paste event comes, they go after `PASTE_WAIT_MS`. A test holds
 * this table against the code.
 *
 * @import { InputMessage } from "../protocol/binary.js"
 */

/** The keys wait no longer than this (ms). The browser's paste event follows its key at once. */
export const PASTE_WAIT_MS = 60;

export class PasteDelay {
  /** @type {(messages: InputMessage[]) => void} */
  #send;
  /** The messages that wait; null: no text is awaited. @type {InputMessage[] | null} */
  #waiting = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {(messages: InputMessage[]) => void} send */
  constructor(send) {
    this.#send = send;
  }

  /** Lets messages wait, because a key was pressed that pastes. Does nothing if they wait. */
  start() {
    if (this.#waiting !== null) return;
    this.#waiting = [];
    this.#timer = setTimeout(() => this.finish(), PASTE_WAIT_MS);
  }

  /** Sends the messages, or lets them wait behind others. @param {InputMessage[]} messages */
  send(messages) {
    if (messages.length === 0) return;
    if (this.#waiting) this.#waiting.push(...messages);
    else this.#send(messages);
  }

  /** Sends what waits, because the text is on its way to the desk. */
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
