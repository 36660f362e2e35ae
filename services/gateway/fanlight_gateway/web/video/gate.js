// @ts-check
/**
 * Decides which units can be decoded. Lives in the worker. Pure; times are arguments, in ms.
 *
 *   state  | event                                          | next   | lets the unit through
 *   -------+------------------------------------------------+--------+----------------------
 *   any    | 1 an IDR                                       | open   | yes
 *   open   | 2 a unit that follows the one before it        | open   | yes
 *   open   | 3 any other unit: a gap, a repetition, a new   | closed | no
 *          |   epoch                                        |        |
 *   closed | 4 any unit but an IDR                          | closed | no
 *   any    | 5 `close`: the decoder lost units              | closed |
 *   any    | 6 `reset`: another stream begins               | closed |
 *
 * A delta needs every unit since the last IDR. While the gate is closed, `shouldAsk` says when to
 * ask the gateway for an IDR: at once, and again every `IDR_REPEAT_MS` until one has come. A test
 * holds this table against the code.
 *
 * @import { VideoUnit } from "../protocol/binary.js"
 */

/** An IDR that was asked for and did not come is asked for again after this (ms). */
export const IDR_REPEAT_MS = 500;

export class Gate {
  #isOpen = false;
  /** Whether this stream had an IDR. */
  #hasOpened = false;
  /** The epoch of the last unit. @type {number | null} */
  #epoch = null;
  /** The sequence of the last unit. @type {number | null} */
  #sequence = null;
  /** When an IDR was last asked for (ms); -Infinity: it was not, since the last IDR. */
  #asked_ms = -Infinity;

  /** Closes the gate: no unit until the next IDR can be decoded. */
  close() {
    this.#isOpen = false;
  }

  /** Another stream begins. Closes the gate, and forgets the last stream. */
  reset() {
    this.#isOpen = this.#hasOpened = false;
    this.#epoch = null;
    this.#sequence = null;
    this.#asked_ms = -Infinity;
  }

  /**
   * Takes the next unit.
   *
   * @param {VideoUnit} unit
   * @returns {boolean} whether it can be decoded
   */
  admit(unit) {
    const follows =
      unit.epoch === this.#epoch &&
      this.#sequence !== null &&
      unit.sequence === (this.#sequence + 1) >>> 0;
    this.#epoch = unit.epoch;
    this.#sequence = unit.sequence;
    if (unit.idr) {
      this.#isOpen = this.#hasOpened = true;
      this.#asked_ms = -Infinity;
    } else if (!follows) {
      this.#isOpen = false;
    }
    return this.#isOpen;
  }

  /** Whether this stream had an IDR. Its first IDR comes without being asked for. */
  get hasOpened() {
    return this.#hasOpened;
  }

  /** Returns whether to ask for an IDR now. If so, it counts as asked. @param {number} now_ms */
  shouldAsk(now_ms) {
    if (this.#isOpen || now_ms - this.#asked_ms < IDR_REPEAT_MS) return false;
    this.#asked_ms = now_ms;
    return true;
  }
}
