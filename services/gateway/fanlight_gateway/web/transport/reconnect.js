// @ts-check
/**
 * Whether to connect again after a connection closed, and after which wait. Lives in the worker.
 * Pure.
 *
 * The wait doubles from try to try and is random, so that the viewers of a gateway that restarts do
 * not all connect at the same time. A gateway that says that it goes away most likely has another
 * one beside it: the first try after that comes within `reconnect_min_ms`, just spread enough that
 * its viewers are not one crowd. The waits begin anew with the first *painted* picture, because a
 * gateway that accepts a connection and then drops it does not work.
 *
 * @import { Settings } from "../protocol/settings.js"
 */

import { CloseCode } from "../protocol/constants.js";

/** After a close code from here on (see CloseCode), connecting again by itself is of no use. */
export const FIRST_FINAL_CODE = 4400;

export class Reconnect {
  #tries = 0;
  /** @type {() => number} */
  #random;

  /** @param {() => number} [random] */
  constructor(random = Math.random) {
    this.#random = random;
  }

  /** A picture was painted, or a person asked: the waits begin anew. */
  reset() {
    this.#tries = 0;
  }

  /**
   * The connection closed. Counts as a try.
   *
   * @param {number} code
   * @param {Readonly<Settings>} settings
   * @returns {number | null} how long to wait (ms); null: do not connect again
   */
  closed(code, settings) {
    if (code >= FIRST_FINAL_CODE) return null;
    const { reconnect_min_ms, reconnect_max_ms } = settings;
    const full_ms = Math.min(reconnect_min_ms * 2 ** this.#tries, reconnect_max_ms);
    const isFirst = this.#tries++ === 0;
    if (isFirst && code === CloseCode.GOING_AWAY) return reconnect_min_ms * this.#random();
    return Math.max(reconnect_min_ms / 2, full_ms * (0.5 + this.#random() / 2));
  }
}
