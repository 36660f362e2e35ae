// @ts-check
/**
 * A rate over the last while (pictures or bytes a second). Pure; times in ms.
 */

export class Meter {
  /** @type {{ at_ms: number, amount: number }[]} */
  #events = [];
  /** @type {number} */
  #window_ms;

  /** @param {number} [window_ms] */
  constructor(window_ms = 2000) {
    this.#window_ms = window_ms;
  }

  /** @param {number} amount @param {number} now_ms */
  add(amount, now_ms) {
    this.#events.push({ at_ms: now_ms, amount });
    this.#forget(now_ms);
  }

  /** The amount a second. @param {number} now_ms */
  rate(now_ms) {
    this.#forget(now_ms);
    const sum = this.#events.reduce((total, event) => total + event.amount, 0);
    return (sum * 1000) / this.#window_ms;
  }

  /** @param {number} now_ms */
  #forget(now_ms) {
    const first = this.#events.findIndex((event) => event.at_ms > now_ms - this.#window_ms);
    this.#events.splice(0, first === -1 ? this.#events.length : first);
  }
}
