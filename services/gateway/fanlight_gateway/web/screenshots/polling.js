// @ts-check
/**
 * When to ask for the next screenshot, and how good it shall be. Lives in the worker. Pure; times
 * are arguments, in ms.
 *
 * 1. A slow fetch lowers the quality, a fast one raises it.
 * 2. With the quality at its minimum and fetches still slow, the scale halves. On the way back the
 *    scale returns first, because pixels are worth more than their fine shades.
 * 3. A desk at rest (304) is asked less often, down to twice a second. Input makes the next request
 *    come at once.
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
/** A 304 after this long came because the server kept the request open until its limit (ms). */
const LONG_POLL_MS = 1000;
const BACKOFF_MIN_MS = 500;
export const BACKOFF_MAX_MS = 10_000;

export class Polling {
  /** @type {Readonly<Settings>} */
  #settings;
  /** @type {() => number} */
  #random;
  #inFlight = 0;
  /** When the last request went out. */
  #started_ms = -Infinity;
  /** @type {number} */
  #interval_ms;
  #blockedUntil_ms = -Infinity;
  #failures = 0;
  #fastInARow = 0;
  /** Of JPEG, 1 to 100. @type {number} */
  quality;
  /** Of the desk's size. */
  scale = 1;

  /**
   * @param {Readonly<Settings>} settings
   * @param {() => number} [random]
   */
  constructor(settings, random = Math.random) {
    this.#settings = settings;
    this.#random = random;
    this.#interval_ms = settings.screenshot_min_interval_ms;
    this.quality = settings.screenshot_quality_start;
  }

  /**
   * The gateway's settings have come. What was learnt stays, within the new bounds.
   *
   * @param {Readonly<Settings>} settings
   */
  reconfigure(settings) {
    if (this.quality === this.#settings.screenshot_quality_start) {
      this.quality = settings.screenshot_quality_start;
    }
    this.#settings = settings;
    this.quality = this.#bounded(this.quality);
  }

  /**
   * How long to wait before the next request (ms).
   *
   * @param {number} now_ms
   * @param {number} [maxInFlight]
   * @returns {number | null} null: as many requests are in flight as may be
   */
  wait(now_ms, maxInFlight = 1) {
    if (this.#inFlight >= maxInFlight) return null;
    const due_ms = Math.max(this.#started_ms + this.#interval_ms, this.#blockedUntil_ms);
    return Math.max(0, due_ms - now_ms);
  }

  /** A request goes out. @param {number} now_ms */
  started(now_ms) {
    this.#inFlight++;
    this.#started_ms = now_ms;
  }

  /** The viewer itself aborted all requests, which says nothing about the network. */
  cancelled() {
    this.#inFlight = 0;
  }

  /** The network was away and is back: earlier failures say nothing any more. */
  reconnected() {
    this.#blockedUntil_ms = -Infinity;
    this.#failures = 0;
    this.expectChange();
  }

  /** The desk is going to change: the next request comes as soon as the minimum interval allows. */
  expectChange() {
    this.#interval_ms = this.#settings.screenshot_min_interval_ms;
  }

  /**
   * A request has ended.
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
      this.#interval_ms = Math.min(
        this.#interval_ms * IDLE_GROWTH,
        this.#settings.screenshot_max_interval_ms,
      );
    } else if (outcome.status === "timeout") {
      this.#adapt(Infinity);
    } else {
      const retry_after_ms = "retry_after_ms" in outcome ? outcome.retry_after_ms : null;
      this.#blockedUntil_ms = now_ms + (retry_after_ms ?? this.#backoff());
      this.#failures++;
    }
  }

  #backoff() {
    const full_ms = Math.min(BACKOFF_MIN_MS * 2 ** this.#failures, BACKOFF_MAX_MS);
    return full_ms * (0.5 + this.#random() / 2);
  }

  /** Changes quality and scale. @param {number} took_ms */
  #adapt(took_ms) {
    const { screenshot_slow_ms, screenshot_fast_ms, screenshot_quality_min } = this.#settings;
    const { screenshot_quality_down, screenshot_quality_up } = this.#settings;
    const { screenshot_scale_min, screenshot_scale_return_fetches } = this.#settings;
    this.#fastInARow = took_ms < screenshot_fast_ms ? this.#fastInARow + 1 : 0;
    if (took_ms > screenshot_slow_ms) {
      if (this.quality > screenshot_quality_min) {
        this.quality = this.#bounded(this.quality - screenshot_quality_down);
      } else {
        this.scale = Math.max(screenshot_scale_min, this.scale / 2);
      }
    } else if (took_ms < screenshot_fast_ms) {
      if (this.scale === 1) {
        this.quality = this.#bounded(this.quality + screenshot_quality_up);
      } else if (this.#fastInARow >= screenshot_scale_return_fetches) {
        this.scale = Math.min(1, this.scale * 2);
        this.#fastInARow = 0;
      }
    }
  }

  /** @param {number} quality */
  #bounded(quality) {
    const { screenshot_quality_min, screenshot_quality_max } = this.#settings;
    return Math.min(screenshot_quality_max, Math.max(screenshot_quality_min, quality));
  }
}

/**
 * The Retry-After header, which holds seconds or a date, as a wait (ms).
 *
 * @param {string | null} header
 * @param {number} wall_ms  the time of day, since the Unix epoch
 * @returns {number | null}
 */
export function retryAfter(header, wall_ms) {
  if (header === null || header.trim() === "") return null;
  const seconds = Number(header);
  const wait_ms = Number.isNaN(seconds) ? Date.parse(header) - wall_ms : seconds * 1000;
  return Number.isFinite(wait_ms) ? Math.max(0, wait_ms) : null;
}
