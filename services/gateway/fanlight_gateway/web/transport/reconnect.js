// @ts-check
/**
 * Whether and when to connect again. Pure.
 *
 * Full-range jitter, so that a gateway which restarts is not met by all its viewers at once. One
 * that says that it goes away most likely has another beside it: the first try after that is at
 * once, with no more delay than keeps its viewers from being one crowd. The budget resets on the first *painted* picture: a gateway that accepts a socket and drops it is not
 * one that works.
 *
 * @import { Settings } from "../protocol/settings.js"
 */

import { CloseCode } from "../protocol/binary.js";

/** From here on (see CloseCode) coming back by itself is of no use. */
export const FINAL_CODE = 4400;

export class Reconnect {
  #attempts = 0;
  /** @type {() => number} */
  #random;

  /** @param {() => number} [random] */
  constructor(random = Math.random) {
    this.#random = random;
  }

  /** A picture was really drawn, or a person asked: begin anew. */
  reset() {
    this.#attempts = 0;
  }

  /**
   * The socket closed: how long to wait (ms), or null for never.
   *
   * @param {number} code
   * @param {Readonly<Settings>} settings
   * @returns {number | null}
   */
  closed(code, settings) {
    if (code >= FINAL_CODE) return null;
    const { reconnect_min_ms, reconnect_max_ms } = settings;
    const full_ms = Math.min(reconnect_min_ms * 2 ** this.#attempts, reconnect_max_ms);
    const isFirst = this.#attempts++ === 0;
    if (isFirst && code === CloseCode.GOING_AWAY) return reconnect_min_ms * this.#random();
    return Math.max(reconnect_min_ms / 2, full_ms * (0.5 + this.#random() / 2));
  }
}
