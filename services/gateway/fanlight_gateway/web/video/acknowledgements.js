// @ts-check
/**
 * What the gateway is told about the units: the newest received, the newest painted, how old that
 * picture was. Pure. A paint is told at once; what was received waits for its paint a little, so
 * that most small units cost one message. No longer: by what is received, and when, the gateway
 * judges the network. Where it has nothing to learn it says so in the unit (`relaxed`): then both
 * wait for the next unit that is not, and not for long.
 *
 * @import { Ack } from "../protocol/binary.js"
 */

import { AGE_UNKNOWN } from "../protocol/binary.js";

/** A received unit is acknowledged after this at the latest (ms). */
export const ACK_DELAY_MS = 5;
/** A relaxed one, and its paint. The gateway counts with no more than a tenth of a second. */
export const ACK_RELAXED_MS = 75;

export class Acks {
  #epoch = 0;
  #received = 0;
  #painted = 0;
  #age_ms = AGE_UNKNOWN;
  /** When to tell of what is untold at the latest. @type {number | null} */
  #due_ms = null;
  /** The newest unit that is not relaxed, until it is known to be painted. */
  #prompt = 0;

  /**
   * Another stream begins, whose epochs have nothing to do with this one's. What was received of the
   * last one and not told yet is told now: units of which the gateway never hears hold it up.
   *
   * @returns {Ack | null} what to send now
   */
  begin() {
    const ack = this.waiting ? this.#take() : null;
    this.#forget();
    return ack;
  }

  /** @param {number} epoch @param {number} sequence @param {boolean} relaxed @param {number} now_ms */
  received(epoch, sequence, relaxed, now_ms) {
    if (epoch !== this.#epoch) {
      this.#epoch = epoch;
      this.#forget();
    }
    this.#received = sequence;
    if (!relaxed) this.#prompt = sequence;
    this.#tellBy(now_ms + (relaxed ? ACK_RELAXED_MS : ACK_DELAY_MS));
  }

  /**
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
      this.#tellBy(now_ms + ACK_RELAXED_MS);
      return null;
    }
    if (sequence >= this.#prompt) this.#prompt = 0;
    return this.#take();
  }

  /** Whether something has not been told. */
  get waiting() {
    return this.#due_ms !== null;
  }

  /** @param {number} now_ms @returns {Ack | null} what to send now */
  due(now_ms) {
    if (this.#due_ms === null || now_ms < this.#due_ms) return null;
    return this.#take();
  }

  /** When `due` has something; null: there is nothing to tell. */
  get due_ms() {
    return this.#due_ms;
  }

  #forget() {
    this.#painted = 0;
    this.#age_ms = AGE_UNKNOWN;
    this.#prompt = 0;
  }

  /** @param {number} due_ms */
  #tellBy(due_ms) {
    this.#due_ms = Math.min(this.#due_ms ?? Infinity, due_ms);
  }

  /** @returns {Ack} */
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
