// @ts-check
/**
 * Keeps what pings show: the round trip time (RTT), its base, a queue in the network, and the
 * gateway's clock. Lives in the worker. Pure; every time is an argument, in ms of the worker's own
 * monotonic clock. It forgets samples after a minute.
 *
 * The RTT never compares the clocks of two machines. Only the age of a picture needs the gateway's
 * clock. The offset of that clock from the worker's comes from the pong with the least RTT of the
 * last minute, because that pong has the smallest possible error: half of its RTT. If two offsets
 * differ by more than their errors, the gateway's clock has changed (it learns the bus's clock anew
 * when its directory moves), and the older offsets are dropped at once.
 *
 * @import { Ping, Pong } from "../protocol/binary.js"
 *
 * @typedef {{ at_ms: number, rtt_ms: number, offset_us: number }} Sample
 */

/** Older samples are forgotten (ms), because routes change. */
export const WINDOW_MS = 60_000;
/** At most so many pings without a pong are remembered. */
const MAX_PENDING = 600;
/** Two clocks drift apart by less than this (us for each ms). */
const DRIFT_US = 0.2;
/** The gateway corrects its clock in steps of less than this (us). */
const CORRECTION_US = 5000;
/** If a ping has waited this much longer than the last RTT, the network stalls (ms). */
const STALL_MS = 150;
/** If the RTT is this far above its base, there is a queue in the network (ms). */
const QUEUE_MS = 500;

export class Clock {
  /** @type {{ at_ms: number, rtt_ms: number }[]} */
  #rtts = [];
  /** @type {Sample[]} */
  #offsets = [];
  /** When each ping was sent (ms), by its id, in this order. @type {Map<number, number>} */
  #pending = new Map();
  #nextId = 1;
  /** The newest RTT (ms). @type {number | null} */
  rtt_ms = null;

  /**
   * A new connection has opened. Forgets the pings of the old one, which get no answer, and the
   * clock, because the gateway may be another one. The network is the same, so the base of the RTT
   * stays.
   */
  connected() {
    this.#pending.clear();
    this.#offsets = [];
    this.rtt_ms = null;
  }

  /** Forgets the base of the RTT, because a retry measures it anew. */
  resetBase() {
    this.#rtts = [];
  }

  /** Returns the next ping, which counts as sent. @param {number} now_ms @returns {Ping} */
  ping(now_ms) {
    const id = this.#nextId;
    this.#nextId = (id % 0xffff_ffff) + 1;
    this.#pending.set(id, now_ms);
    if (this.#pending.size > MAX_PENDING) {
      this.#pending.delete(/** @type {number} */ (this.#pending.keys().next().value));
    }
    // A known base is at least 1, because 0 means that it is not known.
    const base_rtt_ms = Math.min(65535, Math.max(1, Math.round(this.base_rtt_ms ?? 0)));
    return {
      type: "Ping",
      id,
      viewer_us: Math.round(now_ms * 1000),
      base_rtt_ms: this.base_rtt_ms === null ? 0 : base_rtt_ms,
    };
  }

  /**
   * Takes a pong.
   *
   * @param {Pong} pong
   * @param {number} now_ms
   * @returns {boolean} false if it answers no ping of this connection; it is ignored then
   */
  pong(pong, now_ms) {
    const sent_ms = this.#pending.get(pong.id);
    if (sent_ms === undefined) return false;
    // Pongs come in order: a ping that was sent before this one gets no answer any more.
    for (const id of this.#pending.keys()) {
      this.#pending.delete(id);
      if (id === pong.id) break;
    }
    const rtt_ms = Math.max(0, now_ms - sent_ms);
    const offset_us = pong.gateway_us - (sent_ms + rtt_ms / 2) * 1000;
    this.rtt_ms = rtt_ms;
    this.#rtts = this.#rtts.filter((sample) => sample.at_ms > now_ms - WINDOW_MS);
    this.#rtts.push({ at_ms: now_ms, rtt_ms });
    this.#offsets = this.#offsets.filter((sample) => sample.at_ms > now_ms - WINDOW_MS);
    const sample = { at_ms: now_ms, rtt_ms, offset_us };
    const best = this.#best;
    if (best !== null && !areOfOneClock(best, sample)) this.#offsets = [];
    this.#offsets.push(sample);
    return true;
  }

  /** Whether a ping has no pong yet. */
  get isWaiting() {
    return this.#pending.size > 0;
  }

  /** The least RTT of the last minute (ms). @returns {number | null} */
  get base_rtt_ms() {
    if (this.#rtts.length === 0) return null;
    return this.#rtts.reduce((least, sample) => Math.min(least, sample.rtt_ms), Infinity);
  }

  /**
   * Returns the RTT at this moment (ms): the newest RTT, or the time that the oldest ping without a
   * pong has waited, if that is longer. So a stall of the network shows at once, and not only when
   * the network recovers.
   *
   * @param {number} now_ms
   * @returns {number | null}
   */
  currentRtt(now_ms) {
    const waiting_ms = this.#waited(now_ms);
    if (this.rtt_ms === null) return waiting_ms > 0 ? waiting_ms : null;
    return Math.max(this.rtt_ms, waiting_ms);
  }

  /**
   * Returns whether the network stalls or has a queue, so that what is sent now arrives late. A
   * path whose RTT is long by itself is not congested.
   *
   * @param {number} now_ms
   */
  isCongested(now_ms) {
    const rtt_ms = this.rtt_ms ?? 0;
    const queue_ms = rtt_ms - (this.base_rtt_ms ?? 0);
    return this.#waited(now_ms) - rtt_ms > STALL_MS || queue_ms > QUEUE_MS;
  }

  /**
   * Returns how long the oldest ping without a pong has waited (ms); 0: there is none.
   *
   * @param {number} now_ms
   */
  #waited(now_ms) {
    const oldest = this.#pending.values().next();
    return oldest.done ? 0 : now_ms - oldest.value;
  }

  /**
   * Returns the time of the gateway's clock (us).
   *
   * @param {number} now_ms
   * @returns {number | null} null if it is not known
   */
  gatewayUs(now_ms) {
    const best = this.#best;
    return best === null ? null : now_ms * 1000 + best.offset_us;
  }

  /** The sample with the least RTT. @returns {Sample | null} */
  get #best() {
    if (this.#offsets.length === 0) return null;
    return this.#offsets.reduce((a, b) => (b.rtt_ms < a.rtt_ms ? b : a));
  }

  /**
   * Returns the age of a picture (ms).
   *
   * @param {number} captured_us  when it was captured, in the gateway's clock
   * @param {number} now_ms
   * @returns {number | null} null if the gateway's clock is not known
   */
  age(captured_us, now_ms) {
    const gateway_us = this.gatewayUs(now_ms);
    return gateway_us === null ? null : Math.max(0, (gateway_us - captured_us) / 1000);
  }
}

/** Returns whether both offsets can be of one clock. @param {Sample} a @param {Sample} b */
function areOfOneClock(a, b) {
  const error_us = 500 * (a.rtt_ms + b.rtt_ms) + DRIFT_US * Math.abs(a.at_ms - b.at_ms);
  return Math.abs(a.offset_us - b.offset_us) <= error_us + CORRECTION_US;
}
