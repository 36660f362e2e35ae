// @ts-check
/**
 * Counts the pictures and bytes that came, and notes how old the pictures were when they were
 * painted. Lives in the worker. Pure; times are arguments, in ms.
 *
 * The age of a picture is taken when it is painted. After that it grows only while a newer picture
 * is known to exist, because on a desk at rest the picture of an hour ago is still the current one.
 *
 * @import { Clock } from "./clock.js"
 * @import { VideoUnit } from "../protocol/binary.js"
 */

import { RateMeter } from "./rate-meter.js";

export class PictureStatistics {
  #pictures = new RateMeter();
  #bytes = new RateMeter();
  /** @type {Clock} */
  #clock;
  /** When the picture on the canvas was captured; null: not known. @type {number | null} */
  #captured_us = null;
  /** Whether a unit has come that is newer than the picture on the canvas. */
  #isBehind = false;
  /** Whether anything was painted. */
  hasPainted = false;
  /** The age of the picture on the canvas, when it was painted (ms). @type {number | null} */
  age_ms = null;
  /** The epoch and the sequence of the newest unit. */
  epoch = 0;
  received = 0;
  video_bytes = 0;
  screenshot_bytes = 0;
  /** Whether the picture on the canvas is the last one of a desk that has gone. */
  stale = false;

  /** @param {Clock} clock */
  constructor(clock) {
    this.#clock = clock;
  }

  /** Counts a unit. @param {VideoUnit} unit @param {number} bytes @param {number} now_ms */
  unit(unit, bytes, now_ms) {
    this.video_bytes += bytes;
    this.#bytes.add(bytes, now_ms);
    this.epoch = unit.epoch;
    this.received = unit.sequence;
    this.#isBehind = true;
  }

  /** Counts a screenshot. @param {number} bytes @param {boolean} stale @param {number} now_ms */
  screenshot(bytes, stale, now_ms) {
    this.screenshot_bytes += bytes;
    this.#bytes.add(bytes, now_ms);
    this.stale = stale;
  }

  /**
   * Counts a picture that is on the canvas now.
   *
   * @param {number | null} captured_us
   * @param {number} now_ms
   */
  painted(captured_us, now_ms) {
    this.hasPainted = true;
    this.#pictures.add(1, now_ms);
    this.#setCurrent(captured_us, now_ms);
  }

  /**
   * Counts the picture of a unit, which is on the canvas now.
   *
   * @param {VideoUnit} unit
   * @param {number} now_ms
   */
  paintedUnit(unit, now_ms) {
    this.painted(unit.captured_us, now_ms);
    this.stale = false;
    this.#isBehind = unit.epoch !== this.epoch || unit.sequence !== this.received;
  }

  /**
   * Notes that the desk has not changed: the picture on the canvas is as new as this answer.
   *
   * @param {number | null} captured_us
   * @param {boolean} stale
   * @param {number} now_ms
   */
  unchanged(captured_us, stale, now_ms) {
    this.stale = stale;
    if (this.hasPainted) this.#setCurrent(captured_us, now_ms);
  }

  /** Expects no newer picture any more, because video was turned off or begins anew. */
  expectNone() {
    this.#isBehind = false;
  }

  /**
   * Returns the age of the picture on the canvas (ms); null if no newer one has come.
   *
   * @param {number} now_ms
   */
  overdueAge(now_ms) {
    if (!this.#isBehind || this.#captured_us === null) return null;
    return this.#clock.age(this.#captured_us, now_ms);
  }

  /** Returns pictures a second, and kbit/s. @param {number} now_ms */
  rates(now_ms) {
    return {
      fps: this.#pictures.rate(now_ms),
      bitrate_kbps: (this.#bytes.rate(now_ms) * 8) / 1000,
    };
  }

  /** @param {number | null} captured_us @param {number} now_ms */
  #setCurrent(captured_us, now_ms) {
    this.#captured_us = captured_us;
    this.age_ms = captured_us === null ? null : this.#clock.age(captured_us, now_ms);
  }
}
