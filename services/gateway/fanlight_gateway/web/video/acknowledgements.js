// @ts-check
/**
 * Decides when the gateway is told about the units: which one was received last, which one was
 * painted last, and how old its picture was. Lives in the worker. Pure; times are arguments, in ms.
 *
 *   event                                              | the acknowledgement is sent
 *   ---------------------------------------------------+-------------------------------------------
 *   1 `received`: a unit                               | after `ACK_DELAY_MS` at the latest
 *   2 `received`: a relaxed unit                       | after `ACK_RELAXED_MS` at the latest
 *   3 `painted`, while a unit that is not relaxed is   | at once
 *     not known to be painted                          |
 *   4 `painted`, otherwise                             | after `ACK_RELAXED_MS` at the latest
 *   5 `painted`: a unit of another epoch               | as before
 *   6 `beginStream`: another stream begins             | at once, if one was to be sent
 *
 * 1: a unit waits for its paint, so that most small units cost one message. It does not wait
 * longer, because the gateway judges the network by what was received, and when. 2, 4: if the
 * gateway has nothing to learn from a unit, it says so in the unit (`relaxed`). A test holds this
 * table against the code.
 *
 * @import { Ack } from "../protocol/binary.js"
 */

import { AGE_UNKNOWN } from "../protocol/constants.js";

/** A received unit is acknowledged after this at the latest (ms). */
export const ACK_DELAY_MS = 5;
/** The same for a relaxed unit and its paint (ms). The gateway allows 100 ms. */
export const ACK_RELAXED_MS = 75;

export class Acknowledgements {
  /** The epoch of the newest unit. */
  #epoch = 0;
  #received = 0;
  #painted = 0;
  #age_ms = AGE_UNKNOWN;
  /** When the acknowledgement has to be sent (ms); null: there is none. @type {number | null} */
  #due_ms = null;
  /** The sequence of the newest unit that is not relaxed and not known to be painted; 0: none. */
  #prompt = 0;

  /**
   * Another stream begins, whose epochs cannot be compared with those of the last one. Acknowledges
   * now what was received of the last one, because a unit that is never acknowledged holds the
   * gateway up.
   *
   * @returns {Ack | null} what to send now
   */
  beginStream() {
    const ack = this.isWaiting ? this.#take() : null;
    this.#forgetPaint();
    return ack;
  }

  /**
   * Notes a unit that came.
   *
   * @param {number} epoch
   * @param {number} sequence
   * @param {boolean} relaxed
   * @param {number} now_ms
   */
  received(epoch, sequence, relaxed, now_ms) {
    if (epoch !== this.#epoch) {
      this.#epoch = epoch;
      this.#forgetPaint();
    }
    this.#received = sequence;
    if (!relaxed) this.#prompt = sequence;
    this.#sendBy(now_ms + (relaxed ? ACK_RELAXED_MS : ACK_DELAY_MS));
  }

  /**
   * Notes that the picture of a unit was painted.
   *
   * @param {number} epoch
   * @param {number} sequence
   * @param {number | null} age_ms
   * @param {number} now_ms
   * @returns {Ack | null} what to send now
   */
  painted(epoch, sequence, age_ms, now_ms) {
    if (epoch !== this.#epoch) return null;
    this.#painted = sequence;
    this.#age_ms = age_ms === null ? AGE_UNKNOWN : Math.min(AGE_UNKNOWN - 1, Math.round(age_ms));
    if (this.#prompt === 0) {
      this.#sendBy(now_ms + ACK_RELAXED_MS);
      return null;
    }
    if (sequence >= this.#prompt) this.#prompt = 0;
    return this.#take();
  }

  /** Whether there is something to send. */
  get isWaiting() {
    return this.#due_ms !== null;
  }

  /** Looks whether one is due. @param {number} now_ms @returns {Ack | null} what to send now */
  due(now_ms) {
    if (this.#due_ms === null || now_ms < this.#due_ms) return null;
    return this.#take();
  }

  /** When to call `due` (ms); null if there is nothing to send. */
  get due_ms() {
    return this.#due_ms;
  }

  #forgetPaint() {
    this.#painted = 0;
    this.#age_ms = AGE_UNKNOWN;
    this.#prompt = 0;
  }

  /** Makes the acknowledgement due no later than this. @param {number} due_ms */
  #sendBy(due_ms) {
    this.#due_ms = Math.min(this.#due_ms ?? Infinity, due_ms);
  }

  /** Returns the acknowledgement, which counts as sent. @returns {Ack} */
  #take() {
    this.#due_ms = null;
    return {
      type: "Ack",
      age_ms: this.#age_ms,
      epoch: this.#epoch,
      received: this.#received,
      painted: this.#painted,
    };
  }
}
