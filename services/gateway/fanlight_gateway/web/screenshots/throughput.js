// @ts-check
/**
 * What the link carries, as far as answers show it. Pure; times in ms.
 *
 * Only answers of some size tell: a small one takes a trip and no more. What they took beyond the
 * trip and the time at the server is the link's; a queue in it makes them slower, so the estimate
 * falls before the queue grows.
 */

const TELLING_BYTES = 4000;
/** The share of a new measurement. */
const WEIGHT = 0.3;
const SHORTEST_MS = 5;
const MIN_RATE = 1000;
const MAX_RATE = 1_000_000_000;

export class Throughput {
  /** Bytes a second; 0: not known yet. */
  rate = 0;

  /** @param {number} bytes @param {number} took_ms */
  measured(bytes, took_ms) {
    if (bytes < TELLING_BYTES) return;
    const sample = (bytes * 1000) / Math.max(took_ms, SHORTEST_MS);
    const rate = this.rate === 0 ? sample : this.rate + WEIGHT * (sample - this.rate);
    this.rate = Math.round(Math.min(MAX_RATE, Math.max(MIN_RATE, rate)));
  }

  /** An answer did not come in time. */
  failed() {
    if (this.rate) this.rate = Math.max(MIN_RATE, Math.round(this.rate / 2));
  }
}
