// @ts-check
/**
 * What pings tell: the round trip, its floor, the queue in the network, and the gateway's clock.
 * Pure; every time is an argument, in milliseconds of the worker's own monotonic clock.
 *
 * RTT never compares clocks of two machines. The gateway's clock is needed for one thing only, the
 * age of a picture; its offset comes from the pong with the least RTT of the last minute, which had
 * the least room for error. Half of its RTT is what an offset may be wrong by: two that differ by more
 * are of two clocks (a gateway learns the bus's clock anew when its directory moves), and the newer one
 * counts at once.
 *
 * @import { Ping, Pong } from "../protocol/binary.js"
 */

/** The floor forgets what is older (ms): routes change. */
export const WINDOW_MS = 60_000;
/** Pings of which no answer came are forgotten beyond this many. */
const MAX_PENDING = 600;
/** Clocks run apart by less than this (us for each ms), and are corrected by less than that (us). */
const DRIFT_US = 0.2;
const CORRECTION_US = 5000;
/** A ping that waits so much longer than the last one did is held up by a stall (ms). */
const STALL_MS = 150;
/** A round trip so far above its floor is a queue (ms). */
const QUEUE_MS = 500;

/** @typedef {{ at_ms: number, rtt_ms: number, offset_us: number }} Sample */

/**
 * Can both be true of one clock?
 *
 * @param {Sample} a
 * @param {Sample} b
 */
function agree(a, b) {
  const error_us = 500 * (a.rtt_ms + b.rtt_ms) + DRIFT_US * Math.abs(a.at_ms - b.at_ms);
  return Math.abs(a.offset_us - b.offset_us) <= error_us + CORRECTION_US;
}

export class Clock {
  /** @type {{ at_ms: number, rtt_ms: number }[]} */
  #rtts = [];
  /** @type {Sample[]} */
  #offsets = [];
  /** Ping id to the time it was sent (ms), in order of sending. @type {Map<number, number>} */
  #pending = new Map();
  #nextId = 1;
  /** The newest RTT (ms). @type {number | null} */
  rtt_ms = null;

  /**
   * A new socket: pings on the old one get no answer any more, and the gateway at the other end may
   * be another one, with another clock. The way there is the same, so the floor of the RTT stays.
   */
  connected() {
    this.#pending.clear();
    this.#offsets = [];
    this.rtt_ms = null;
  }

  /** Forget the floor: a retry measures it anew. */
  resetBase() {
    this.#rtts = [];
  }

  /** @param {number} now_ms @returns {Ping} */
  ping(now_ms) {
    const id = this.#nextId;
    this.#nextId = (id % 0xffff_ffff) + 1;
    this.#pending.set(id, now_ms);
    if (this.#pending.size > MAX_PENDING) {
      this.#pending.delete(/** @type {number} */ (this.#pending.keys().next().value));
    }
    // At least 1, for 0 says that it is not known.
    const base_rtt_ms = Math.min(65535, Math.max(1, Math.round(this.base_rtt_ms ?? 0)));
    return {
      type: "Ping",
      id,
      viewer_us: Math.round(now_ms * 1000),
      base_rtt_ms: this.base_rtt_ms === null ? 0 : base_rtt_ms,
    };
  }

  /**
   * The answer to a ping; false for one that was not asked (or asked on another socket).
   *
   * @param {Pong} pong
   * @param {number} now_ms
   */
  pong(pong, now_ms) {
    const sent_ms = this.#pending.get(pong.id);
    if (sent_ms === undefined) return false;
    // Pongs come in order: whatever was sent before this ping will not be answered any more.
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
    if (best !== null && !agree(best, sample)) this.#offsets = [];
    this.#offsets.push(sample);
    return true;
  }

  /** Whether a ping has no answer yet. */
  get waiting() {
    return this.#pending.size > 0;
  }

  /** How many RTTs the floor is made of. */
  get samples() {
    return this.#rtts.length;
  }

  /** The floor of the RTT over the last minute (ms). @returns {number | null} */
  get base_rtt_ms() {
    if (this.#rtts.length === 0) return null;
    return this.#rtts.reduce((least, sample) => Math.min(least, sample.rtt_ms), Infinity);
  }

  /**
   * The round trip at this moment: the newest one, or the waiting time of the oldest ping that has
   * no answer yet if that is longer. A link that stalls shows at once, not when it recovers.
   *
   * @param {number} now_ms
   * @returns {number | null}
   */
  currentRtt(now_ms) {
    const waiting_ms = this.#waiting(now_ms);
    if (this.rtt_ms === null) return waiting_ms > 0 ? waiting_ms : null;
    return Math.max(this.rtt_ms, waiting_ms);
  }

  /**
   * Does what is sent now arrive too late to be what a person means then? A path that is long, or has
   * become so, is not late: nobody can do anything about it.
   *
   * @param {number} now_ms
   */
  isCongested(now_ms) {
    const rtt_ms = this.rtt_ms ?? 0;
    const queue_ms = rtt_ms - (this.base_rtt_ms ?? 0);
    return this.#waiting(now_ms) - rtt_ms > STALL_MS || queue_ms > QUEUE_MS;
  }

  /** How long the oldest ping has had no answer (ms). @param {number} now_ms */
  #waiting(now_ms) {
    const oldest = this.#pending.values().next();
    return oldest.done ? 0 : now_ms - oldest.value;
  }

  /**
   * The gateway's clock now (us).
   *
   * @param {number} now_ms
   * @returns {number | null}
   */
  gatewayUs(now_ms) {
    const best = this.#best;
    return best === null ? null : now_ms * 1000 + best.offset_us;
  }

  /** @returns {Sample | null} */
  get #best() {
    if (this.#offsets.length === 0) return null;
    return this.#offsets.reduce((a, b) => (b.rtt_ms < a.rtt_ms ? b : a));
  }

  /**
   * How old a picture is now (ms), from its time in the gateway's clock.
   *
   * @param {number} captured_us
   * @param {number} now_ms
   * @returns {number | null}
   */
  age(captured_us, now_ms) {
    const gateway_us = this.gatewayUs(now_ms);
    return gateway_us === null ? null : Math.max(0, (gateway_us - captured_us) / 1000);
  }
}
