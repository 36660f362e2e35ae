// @ts-check
/**
 * Decides when to ask for the next screenshot, and in which quality and scale. Lives in the worker.
 * Pure; times are arguments, in ms.
 *
 * 1. A slow fetch lowers the quality, and a fast one raises it.
 * 2. If the quality is at its minimum and fetches are still slow, the scale halves. On the way back
 *    the scale returns first, because pixels are worth more than their fine shades.
 * 3. A desk at rest (304) is asked less often, down to twice a second. Input makes the next request
 *    come as soon as the shortest interval allows.
 * 4. A server in trouble (5xx) gets no request for as long as it says, or for a time that doubles.
 *
 * @import { Settings } from "../protocol/settings.js"
 *
 * @typedef {{ status: number, took_ms: number, held_ms?: number,
 *     retry_after_ms?: number | null }
 *   | { status: "timeout" | "network" }} Outcome
 * held_ms: for how long the server kept the request open.
 */

/** The interval grows by this factor from one 304 to the next. */
const IDLE_GROWTH = 1.5;
/** If a 304 took this long, the server had kept the request open until its limit (ms). */
const LONG_POLL_MS = 1000;
/** The first and the longest wait after a failure (ms). */
const BACKOFF_MIN_MS = 500;
export const BACKOFF_MAX_MS = 10_000;
/** The longest time between two requests while nothing is wrong (ms). */
const MAX_INTERVAL_MS = 500;
/** JPEG quality, 1 to 100. */
const QUALITY_START = 70;
const QUALITY_MIN = 10;
/** A fetch that takes longer lowers the quality (ms). */
const SLOW_MS = 500;
/** A fetch that takes less raises it (ms). */
const FAST_MS = 300;
/** A slow fetch lowers the quality by more than a fast fetch raises it. */
const QUALITY_DOWN = 10;
const QUALITY_UP = 5;
/**
 * least: the smallest scale, as a part of the desk's size. returnFetches: after so many fast
 * fetches in a row the scale doubles. If one were enough, the scale would flicker.
 *
 * @typedef {{ least: number, returnFetches: number }} ScaleLimits
 */
/** @type {Readonly<ScaleLimits>} */
export const SCALE_LIMITS = Object.freeze({ least: 0.25, returnFetches: 3 });

export class Polling {
  /** @type {Readonly<Settings>} */
  #settings;
  /** @type {() => number} */
  #random;
  /** @type {Readonly<ScaleLimits>} */
  #scaleLimits;
  #inFlight = 0;
  /** When the last request went out (ms). */
  #started_ms = -Infinity;
  /** @type {number} */
  #interval_ms;
  #blockedUntil_ms = -Infinity;
  /** How many requests failed in a row. */
  #failures = 0;
  #fastInARow = 0;
  /** The JPEG quality, 1 to 100. @type {number} */
  quality;
  /** The picture's size, as a part of the desk's. */
  scale = 1;

  /**
   * @param {Readonly<Settings>} settings
   * @param {() => number} [random]
   * @param {Readonly<ScaleLimits>} [scaleLimits]
   */
  constructor(settings, random = Math.random, scaleLimits = SCALE_LIMITS) {
    this.#settings = settings;
    this.#random = random;
    this.#scaleLimits = scaleLimits;
    this.#interval_ms = settings.screenshot_min_interval_ms;
    this.quality = this.#bounded(QUALITY_START);
  }

  /**
   * Takes over the gateway's settings. Keeps what was learnt, within the new bounds.
   *
   * @param {Readonly<Settings>} settings
   */
  reconfigure(settings) {
    this.#settings = settings;
    this.quality = this.#bounded(this.quality);
  }

  /**
   * Returns how long to wait before the next request (ms).
   *
   * @param {number} now_ms
   * @param {number} [maxInFlight]
   * @returns {number | null} null if as many requests are in flight as may be
   */
  wait(now_ms, maxInFlight = 1) {
    if (this.#inFlight >= maxInFlight) return null;
    const due_ms = Math.max(this.#started_ms + this.#interval_ms, this.#blockedUntil_ms);
    return Math.max(0, due_ms - now_ms);
  }

  /** Notes that a request goes out. @param {number} now_ms */
  started(now_ms) {
    this.#inFlight++;
    this.#started_ms = now_ms;
  }

  /** Notes that the viewer itself aborted all requests, which says nothing about the network. */
  cancelled() {
    this.#inFlight = 0;
  }

  /** Forgets earlier failures, because the network was away and is back. */
  reconnected() {
    this.#blockedUntil_ms = -Infinity;
    this.#failures = 0;
    this.expectChange();
  }

  /** Makes the next request come as soon as allowed, because the desk is going to change. */
  expectChange() {
    this.#interval_ms = this.#settings.screenshot_min_interval_ms;
  }

  /**
   * Notes how a request ended.
   *
   * @param {Outcome} outcome
   * @param {number} now_ms
   */
  finished(outcome, now_ms) {
    this.#inFlight = Math.max(0, this.#inFlight - 1);
    if (outcome.status === 200) {
      this.#failures = 0;
      this.expectChange();
      this.#adapt(outcome.took_ms);
    } else if (outcome.status === 304) {
      // No pixels came, so the time that it took says nothing about the quality.
      this.#failures = 0;
      if ("held_ms" in outcome && (outcome.held_ms ?? 0) >= LONG_POLL_MS) {
        // The server has waited, so there is no reason to wait here as well.
        this.expectChange();
        return;
      }
      this.#interval_ms = Math.min(this.#interval_ms * IDLE_GROWTH, MAX_INTERVAL_MS);
    } else if (outcome.status === "timeout") {
      this.#adapt(Infinity);
    } else {
      const retry_after_ms = "retry_after_ms" in outcome ? outcome.retry_after_ms : null;
      this.#blockedUntil_ms = now_ms + (retry_after_ms ?? this.#backoff());
      this.#failures++;
    }
  }

  /** Returns how long to wait after a failure (ms). */
  #backoff() {
    const full_ms = Math.min(BACKOFF_MIN_MS * 2 ** this.#failures, BACKOFF_MAX_MS);
    return full_ms * (0.5 + this.#random() / 2);
  }

  /** Changes quality and scale. @param {number} took_ms */
  #adapt(took_ms) {
    const { least, returnFetches } = this.#scaleLimits;
    this.#fastInARow = took_ms < FAST_MS ? this.#fastInARow + 1 : 0;
    if (took_ms > SLOW_MS) {
      if (this.quality > QUALITY_MIN) {
        this.quality = this.#bounded(this.quality - QUALITY_DOWN);
      } else {
        this.scale = Math.max(least, this.scale / 2);
      }
    } else if (took_ms < FAST_MS) {
      if (this.scale === 1) {
        this.quality = this.#bounded(this.quality + QUALITY_UP);
      } else if (this.#fastInARow >= returnFetches) {
        this.scale = Math.min(1, this.scale * 2);
        this.#fastInARow = 0;
      }
    }
  }

  /** @param {number} quality */
  #bounded(quality) {
    return Math.min(this.#settings.screenshot_quality_max, Math.max(QUALITY_MIN, quality));
  }
}

/**
 * Returns the wait that a Retry-After header asks for (ms). It holds seconds or a date.
 *
 * @param {string | null} header
 * @param {number} wall_ms  the time of day, since the Unix epoch
 * @returns {number | null} null if there is none
 */
export function retryAfter(header, wall_ms) {
  if (header === null || header.trim() === "") return null;
  const seconds = Number(header);
  const wait_ms = Number.isNaN(seconds) ? Date.parse(header) - wall_ms : seconds * 1000;
  return Number.isFinite(wait_ms) ? Math.max(0, wait_ms) : null;
}
