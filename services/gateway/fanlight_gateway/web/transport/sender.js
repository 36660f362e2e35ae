// @ts-check
/**
 * Sends a person's input and the page's control messages, in order. Lives in the worker; owns the
 * outbox, in which pointer moves wait while the connection is busy.
 *
 * A control message is sent after the input that came before it. Input is dropped while there is no
 * connection, because the person saw no picture when they typed.
 *
 * @import { Connection } from "./connection.js"
 * @import { InputMessage } from "../protocol/binary.js"
 * @import { ViewerControl } from "../protocol/control.js"
 */

import { Outbox } from "./outbox.js";

/** How often the sender checks whether a busy connection is free again (ms). */
const RETRY_MS = 8;

export class Sender {
  #outbox = new Outbox();
  /** @type {Connection} */
  #connection;
  /** @type {() => boolean} */
  #isCongested;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {Connection} connection
   * @param {() => boolean} isCongested  whether messages arrive late, so that repetitions of keys
   *   must not be sent
   */
  constructor(connection, isCongested) {
    this.#connection = connection;
    this.#isCongested = isCongested;
  }

  /** Sends input, or drops it if there is no connection. @param {InputMessage[]} messages */
  input(messages) {
    if (this.#connection.state !== "open") return;
    const isCongested = this.#isCongested();
    for (const message of messages) {
      this.#send(this.#outbox.push(message, this.#connection.bufferedAmount !== 0, isCongested));
    }
    this.#sendMovesLater();
  }

  /** Sends a control message behind all input of before. @param {ViewerControl} message */
  control(message) {
    this.#send(this.#outbox.take());
    this.#connection.sendControl(message);
  }

  /** Drops the pointer moves that wait, because the connection that they were for has ended. */
  reset() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#outbox.take();
  }

  /** Sends the moves that wait as soon as the connection is free. */
  #sendMovesLater() {
    if (!this.#outbox.isWaiting || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#connection.bufferedAmount === 0) this.#send(this.#outbox.take());
      else this.#sendMovesLater();
    }, RETRY_MS);
  }

  /** @param {InputMessage[]} messages */
  #send(messages) {
    for (const message of messages) this.#connection.send(message);
  }
}
