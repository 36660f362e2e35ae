// @ts-check
/**
 * What the gateway is told about the units: the newest received, the newest painted, how old that
 * picture was. Pure. A paint is told at once; what was received waits for its paint a little, so
 * that most small units cost one message. No longer: by what is received, and when, the gateway
 * judges the network.
 *
 * @import { Ack } from "./protocol.js"
 */

import { AGE_UNKNOWN } from "./protocol.js";

/** A received unit is acknowledged after this at the latest (ms). */
export const ACK_DELAY_MS = 5;

export class Acks {
  #epoch = 0;
  #received = 0;
  #painted = 0;
  #age_ms = AGE_UNKNOWN;
  /** When the oldest received and untold unit came. @type {number | null} */
  #since_ms = null;

  /**
   * Another stream begins, whose epochs have nothing to do with this one's. What was received of the
   * last one and not told yet is told now: units of which the gateway never hears hold it up.
   *
   * @returns {Ack | null} what to send now
   */
  begin() {
    const ack = this.waiting ? this.#take() : null;
    this.#painted = 0;
    this.#age_ms = AGE_UNKNOWN;
    return ack;
  }

  /** @param {number} epoch @param {number} sequence @param {number} now_ms */
  received(epoch, sequence, now_ms) {
    if (epoch !== this.#epoch) {
      this.#epoch = epoch;
      this.#painted = 0;
      this.#age_ms = AGE_UNKNOWN;
    }
    this.#received = sequence;
    this.#since_ms ??= now_ms;
  }

  /**
   * @param {number} epoch
   * @param {number} sequence
   * @param {number | null} age_ms
   * @returns {Ack | null} what to send now
   */
  painted(epoch, sequence, age_ms) {
    if (epoch !== this.#epoch) return null;
    this.#painted = sequence;
    this.#age_ms = age_ms === null ? AGE_UNKNOWN : Math.min(AGE_UNKNOWN - 1, Math.round(age_ms));
    return this.#take();
  }

  /** Whether something received has not been told. */
  get waiting() {
    return this.#since_ms !== null;
  }

  /** @param {number} now_ms @returns {Ack | null} what to send now */
  due(now_ms) {
    if (this.#since_ms === null || now_ms - this.#since_ms < ACK_DELAY_MS) return null;
    return this.#take();
  }

  /** @returns {Ack} */
  #take() {
    this.#since_ms = null;
    return {
      type: "Ack",
      age_ms: this.#age_ms,
      epoch: this.#epoch,
      received: this.#received,
      painted: this.#painted,
    };
  }
}
