// @ts-check
/**
 * What goes up the socket besides pings: input in order, moves conflated while the socket is busy
 * (see outbox.js), control messages after the input that came before them. Lives in the worker.
 *
 * @import { Link } from "./connection.js"
 * @import { InputMessage } from "../protocol/binary.js"
 * @import { ViewerControl } from "../protocol/control.js"
 */

import { Outbox } from "./outbox.js";

/** How often a busy socket is looked at for moves that wait (ms). */
const RETRY_MS = 8;

export class Sender {
  #outbox = new Outbox();
  /** @type {Link} */
  #link;
  /** @type {() => boolean} */
  #isLate;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {Link} link @param {() => boolean} isLate  whether what goes now arrives late */
  constructor(link, isLate) {
    this.#link = link;
    this.#isLate = isLate;
  }

  /** @param {InputMessage[]} messages */
  input(messages) {
    if (this.#link.state !== "open") return; // what was typed into the void is not typed later
    const isLate = this.#isLate();
    for (const message of messages) {
      this.#send(this.#outbox.push(message, this.#link.bufferedAmount !== 0, isLate));
    }
    this.#wait();
  }

  /** @param {ViewerControl} message */
  control(message) {
    this.#send(this.#outbox.take());
    this.#link.sendControl(message);
  }

  /** A new socket, or none: what waited was for the old one. */
  reset() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#outbox.take();
  }

  #wait() {
    if (!this.#outbox.waiting || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#link.bufferedAmount === 0) this.#send(this.#outbox.take());
      else this.#wait();
    }, RETRY_MS);
  }

  /** @param {InputMessage[]} messages */
  #send(messages) {
    for (const message of messages) this.#link.send(message);
  }
}
