// @ts-check
/**
 * Reports that pictures were lost, but not too often. Lives in the worker; owns the timer of the
 * report that waits. It drops that report if another one comes.
 */

/**
 * The shortest time between two reports (ms), because a decoder that holds all pictures back, or a
 * page that draws none, must not make every unit an IDR.
 */
export const LOST_INTERVAL_MS = 3000;

export class LossReport {
  /** @type {() => number} */
  #now;
  /** @type {() => void} */
  #onlost;
  /** When the last report was (ms). */
  #reported_ms = -Infinity;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {() => number} now @param {() => void} onlost */
  constructor(now, onlost) {
    this.#now = now;
    this.#onlost = onlost;
  }

  /**
   * Reports now, or when the interval is over. A later call replaces one that waits.
   *
   * @param {() => boolean} [isStillLost]  asked when the report is due: false drops it
   */
  report(isStillLost = () => true) {
    clearTimeout(this.#timer);
    const wait_ms = this.#reported_ms + LOST_INTERVAL_MS - this.#now();
    if (wait_ms > 0) {
      this.#timer = setTimeout(() => this.report(isStillLost), wait_ms);
    } else if (isStillLost()) {
      this.#reported_ms = this.#now();
      this.#onlost();
    }
  }

  /** Drops a report that waits. */
  clear() {
    clearTimeout(this.#timer);
  }
}
