// @ts-check
/**
 * Which units can be decoded. Pure.
 *
 * A delta needs every unit since the last IDR. Where one is missing (a gap, a new epoch, a backlog
 * that was dropped, a decoder that was reset) the gate closes until the next IDR, and one is asked
 * for: once, and again only if none came for a while.
 *
 * @import { VideoUnit } from "../protocol/binary.js"
 */

/** An IDR that was asked for and did not come is asked for again after this (ms). */
export const IDR_REPEAT_MS = 500;

export class Gate {
  #open = false;
  /** Whether anything of this stream was let through. */
  #hasOpened = false;
  /** @type {number | null} */
  #epoch = null;
  /** @type {number | null} */
  #sequence = null;
  #asked_ms = -Infinity;

  /** Everything until the next IDR is useless. */
  close() {
    this.#open = false;
  }

  /** A new stream, of which nothing has been asked yet. */
  reset() {
    this.#open = this.#hasOpened = false;
    this.#epoch = null;
    this.#sequence = null;
    this.#asked_ms = -Infinity;
  }

  /**
   * Whether this unit can be decoded.
   *
   * @param {VideoUnit} unit
   */
  admit(unit) {
    const follows =
      unit.epoch === this.#epoch &&
      this.#sequence !== null &&
      unit.sequence === (this.#sequence + 1) >>> 0;
    this.#epoch = unit.epoch;
    this.#sequence = unit.sequence;
    if (unit.idr) {
      this.#open = this.#hasOpened = true;
      this.#asked_ms = -Infinity;
    } else if (!follows) {
      this.#open = false;
    }
    return this.#open;
  }

  /** If not, the first IDR is still to come, and comes without being asked for. */
  get hasOpened() {
    return this.#hasOpened;
  }

  /**
   * Whether to ask for an IDR now.
   *
   * @param {number} now_ms
   */
  shouldAsk(now_ms) {
    if (this.#open || now_ms - this.#asked_ms < IDR_REPEAT_MS) return false;
    this.#asked_ms = now_ms;
    return true;
  }
}
