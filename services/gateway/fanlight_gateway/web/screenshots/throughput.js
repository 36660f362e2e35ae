// @ts-check
/**
 * Estimates how many bytes a second the network carries, from the answers. Lives in the worker.
 * Pure; times in ms.
 *
 * Only answers of some size count, because a small answer takes one RTT and no more. The time that
 * a large answer took beyond the RTT and the time at the server is the network's. A queue in the
 * network makes answers slower, so the estimate falls before the queue grows.
 */

/** Smaller answers do not count. */
const MIN_SAMPLE_BYTES = 4000;
/** The weight of a new sample. */
const WEIGHT = 0.3;
/** A sample counts as at least this long (ms). */
const MIN_SAMPLE_MS = 5;
/** The bounds of the estimate (bytes a second). */
const MIN_RATE = 1000;
const MAX_RATE = 1_000_000_000;

export class Throughput {
  /** The estimate, in bytes a second; 0: not known yet. */
  rate = 0;

  /** Takes a sample. @param {number} bytes @param {number} took_ms */
  measured(bytes, took_ms) {
    if (bytes < MIN_SAMPLE_BYTES) return;
    const sample = (bytes * 1000) / Math.max(took_ms, MIN_SAMPLE_MS);
    const rate = this.rate === 0 ? sample : this.rate + WEIGHT * (sample - this.rate);
    this.rate = Math.round(Math.min(MAX_RATE, Math.max(MIN_RATE, rate)));
  }

  /** Halves the estimate, because an answer did not come in time. */
  failed() {
    if (this.rate) this.rate = Math.max(MIN_RATE, Math.round(this.rate / 2));
  }
}
