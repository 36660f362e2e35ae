// @ts-check
/**
 * What was seen of the pictures, and how old they were. Pure; times in ms.
 *
 * The age of a picture is taken when it is painted. It grows on only while a newer one is known to
 * exist: on a desk at rest the picture of an hour ago is the picture of now.
 *
 * @import { Clock } from "./clock.js"
 * @import { VideoUnit } from "../protocol/binary.js"
 */

import { Meter } from "./rate-meter.js";

export class Figures {
  #pictures = new Meter();
  #bytes = new Meter();
  /** @type {Clock} */
  #clock;
  /** @type {number | null} */
  #captured_us = null;
  /** A unit that is newer than the picture on the screen has come. */
  #isBehind = false;
  /** Whether anything was painted. */
  hasPainted = false;
  /** Of the picture on the screen, when it was painted. @type {number | null} */
  age_ms = null;
  epoch = 0;
  /** The newest sequence that came. */
  received = 0;
  video_bytes = 0;
  still_bytes = 0;
  /** The picture is the last one of a desk that has gone. */
  stale = false;

  /** @param {Clock} clock */
  constructor(clock) {
    this.#clock = clock;
  }

  /** @param {VideoUnit} unit @param {number} bytes @param {number} now_ms */
  unit(unit, bytes, now_ms) {
    this.video_bytes += bytes;
    this.#bytes.add(bytes, now_ms);
    this.epoch = unit.epoch;
    this.received = unit.sequence;
    this.#isBehind = true;
  }

  /** @param {number} bytes @param {boolean} stale @param {number} now_ms */
  still(bytes, stale, now_ms) {
    this.still_bytes += bytes;
    this.#bytes.add(bytes, now_ms);
    this.stale = stale;
  }

  /**
   * A picture is really on the canvas.
   *
   * @param {number | null} captured_us
   * @param {number} now_ms
   */
  painted(captured_us, now_ms) {
    this.hasPainted = true;
    this.#pictures.add(1, now_ms);
    this.#current(captured_us, now_ms);
  }

  /** The same as `painted`, of a unit. @param {VideoUnit} unit @param {number} now_ms */
  paintedUnit(unit, now_ms) {
    this.painted(unit.captured_us, now_ms);
    this.stale = false;
    this.#isBehind = unit.epoch !== this.epoch || unit.sequence !== this.received;
  }

  /**
   * The desk has not changed since: the picture on the screen is as new as that answer.
   *
   * @param {number | null} captured_us
   * @param {boolean} stale
   * @param {number} now_ms
   */
  unchanged(captured_us, stale, now_ms) {
    this.stale = stale;
    if (this.hasPainted) this.#current(captured_us, now_ms);
  }

  /** Video was turned off or begins anew: nothing is being waited for. */
  forget() {
    this.#isBehind = false;
  }

  /** The age now of a picture that should have been replaced. @param {number} now_ms */
  overdue(now_ms) {
    if (!this.#isBehind || this.#captured_us === null) return null;
    return this.#clock.age(this.#captured_us, now_ms);
  }

  /** @param {number} now_ms */
  rates(now_ms) {
    return {
      fps: this.#pictures.rate(now_ms),
      bitrate_kbps: (this.#bytes.rate(now_ms) * 8) / 1000,
    };
  }

  /** @param {number | null} captured_us @param {number} now_ms */
  #current(captured_us, now_ms) {
    this.#captured_us = captured_us;
    this.age_ms = captured_us === null ? null : this.#clock.age(captured_us, now_ms);
  }
}
