// @ts-check
/**
 * Decides whether to connect again after a connection closed, and how long to wait before. Lives in
 * the worker. Pure; it counts the tries.
 *
 * The wait doubles from try to try and is random, so that the viewers of a gateway that restarts do
 * not all connect at the same time. A gateway that says that it goes away most likely has another
 * one beside it. So the first try after that comes within `MIN_MS`, which spreads its viewers just
 * enough. The waits begin anew with the first *painted* picture, because a gateway that accepts a
 * connection and then drops it does not work.
 */

import { CloseCode } from "../protocol/constants.js";

/** The first and the longest wait before the next try to connect (ms). */
export const MIN_MS = 250;
const MAX_MS = 10_000;
/** After a close code of at least this (see CloseCode), it is of no use to connect again. */
export const FIRST_FINAL_CODE = 4400;

export class RetryWait {
  #tries = 0;
  /** @type {() => number} */
  #random;

  /** @param {() => number} [random] */
  constructor(random = Math.random) {
    this.#random = random;
  }

  /** Lets the waits begin anew, because a picture was painted or a person asked. */
  reset() {
    this.#tries = 0;
  }

  /**
   * Says how long to wait after the connection closed, and counts a try.
   *
   * @param {number} code
   * @returns {number | null} how long to wait (ms); null: do not connect again
   */
  closed(code) {
    if (code >= FIRST_FINAL_CODE) return null;
    const full_ms = Math.min(MIN_MS * 2 ** this.#tries, MAX_MS);
    const isFirst = this.#tries++ === 0;
    if (isFirst && code === CloseCode.GOING_AWAY) return MIN_MS * this.#random();
    return Math.max(MIN_MS / 2, full_ms * (0.5 + this.#random() / 2));
  }
}
