// @ts-check
/**
 * Sends the acknowledgements of units when they are due (see acknowledgements.js). Lives in the
 * worker; owns their timer. It does not acknowledge a picture that is painted after its stream has
 * ended.
 *
 * A *stream* here is a sequence of units whose epochs can be compared: one rendition over one
 * connection.
 *
 * @import { Ack, VideoUnit } from "../protocol/binary.js"
 */

import { Acknowledgements } from "./acknowledgements.js";

export class Acknowledger {
  #acknowledgements = new Acknowledgements();
  /** @type {() => number} */
  #now;
  /** @type {(ack: Ack) => void} */
  #send;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** When the timer ends (ms); Infinity: none runs. */
  #timerAt_ms = Infinity;
  /** The number of the stream, which grows by one with each stream. */
  stream = 0;

  /** @param {() => number} now @param {(ack: Ack) => void} send */
  constructor(now, send) {
    this.#now = now;
    this.#send = send;
  }

  /** A connection has opened: drops what was not acknowledged over the last one. */
  connected() {
    this.#acknowledgements = new Acknowledgements();
    this.stream++;
  }

  /** Another rendition begins. Acknowledges the units of the last one that are not acknowledged. */
  beginStream() {
    this.stream++;
    this.#sendIf(this.#acknowledgements.beginStream());
  }

  /** Notes a unit that came. @param {VideoUnit} unit */
  received({ epoch, sequence, relaxed }) {
    this.#acknowledgements.received(epoch, sequence, relaxed, this.#now());
    this.#schedule();
  }

  /**
   * Notes that the picture of a unit was painted.
   *
   * @param {VideoUnit} unit
   * @param {number} stream  what `stream` was when the unit came
   * @param {number | null} age_ms
   */
  painted({ epoch, sequence }, stream, age_ms) {
    if (stream === this.stream) {
      this.#sendIf(this.#acknowledgements.painted(epoch, sequence, age_ms, this.#now()));
    }
    this.#schedule();
  }

  /** Ends the timer. What was not acknowledged is dropped. */
  stop() {
    clearTimeout(this.#timer);
  }

  #schedule() {
    const { due_ms } = this.#acknowledgements;
    // If a timer runs that ends earlier, it calls this again when it ends.
    if (due_ms === null || due_ms >= this.#timerAt_ms) return;
    clearTimeout(this.#timer);
    this.#timerAt_ms = due_ms;
    this.#timer = setTimeout(() => this.#end(), Math.max(1, due_ms - this.#now()));
  }

  #end() {
    this.#timerAt_ms = Infinity;
    this.#sendIf(this.#acknowledgements.due(this.#now()));
    this.#schedule();
  }

  /** @param {Ack | null} ack */
  #sendIf(ack) {
    if (ack) this.#send(ack);
  }
}
