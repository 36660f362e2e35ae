// @ts-check
/**
 * Measures a rate over the last two seconds, for example pictures or bytes a second. Lives in the
 * worker. Pure; times are arguments, in ms. It forgets what is older.
 */

export class RateMeter {
  /** @type {{ at_ms: number, amount: number }[]} */
  #events = [];
  /** @type {number} */
  #window_ms;

  /** @param {number} [window_ms] */
  constructor(window_ms = 2000) {
    this.#window_ms = window_ms;
  }

  /** Counts an amount. @param {number} amount @param {number} now_ms */
  add(amount, now_ms) {
    this.#events.push({ at_ms: now_ms, amount });
    this.#forgetOld(now_ms);
  }

  /** Returns the amount a second. @param {number} now_ms */
  rate(now_ms) {
    this.#forgetOld(now_ms);
    const sum = this.#events.reduce((total, event) => total + event.amount, 0);
    return (sum * 1000) / this.#window_ms;
  }

  /** @param {number} now_ms */
  #forgetOld(now_ms) {
    const first = this.#events.findIndex((event) => event.at_ms > now_ms - this.#window_ms);
    this.#events.splice(0, first === -1 ? this.#events.length : first);
  }
}
