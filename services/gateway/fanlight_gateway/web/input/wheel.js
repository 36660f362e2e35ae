// @ts-check
/**
 * Turns wheel events of any kind into units of 1/120 of a notch. Lives in the page. Pure; it keeps
 * the fractions for the next event.
 *
 * @typedef {{ deltaX: number, deltaY: number, deltaMode: number,
 *   wheelDeltaX?: number, wheelDeltaY?: number }} WheelLike
 */

import { INT16_MAX } from "../protocol/constants.js";

const UNITS_PER_NOTCH = 120;
/** About how far browsers scroll for one notch of a wheel with detents. */
const PIXELS_PER_NOTCH = 100;
const LINES_PER_NOTCH = 3;
const NOTCHES_PER_PAGE = 5;

/** How many units a delta of 1 is, by WheelEvent.deltaMode: pixels, lines, pages. */
const UNITS = [
  UNITS_PER_NOTCH / PIXELS_PER_NOTCH,
  UNITS_PER_NOTCH / LINES_PER_NOTCH,
  UNITS_PER_NOTCH * NOTCHES_PER_PAGE,
];

export class WheelSteps {
  #x = 0;
  #y = 0;

  /**
   * Takes an event.
   *
   * @param {WheelLike} event
   * @returns {{ dx: number, dy: number } | null} whole units; null if it was less than one
   */
  turn(event) {
    this.#x += units(event.deltaX, event.deltaMode, event.wheelDeltaX);
    this.#y += units(event.deltaY, event.deltaMode, event.wheelDeltaY);
    const dx = whole(this.#x);
    const dy = whole(this.#y);
    if (dx === 0 && dy === 0) return null;
    this.#x -= dx;
    this.#y -= dy;
    return { dx, dy };
  }
}

/**
 * Returns a delta in units.
 *
 * @param {number} delta
 * @param {number} mode
 * @param {number | undefined} legacy  wheelDeltaX or wheelDeltaY
 */
function units(delta, mode, legacy) {
  // The old attribute is exact if it counts whole notches. Pixels depend on system and zoom.
  if (legacy && legacy % UNITS_PER_NOTCH === 0) return -legacy;
  return delta * (UNITS[mode] ?? UNITS[0]);
}

/** Returns the whole part, within an int16. @param {number} value */
function whole(value) {
  return Math.max(-INT16_MAX, Math.min(INT16_MAX, Math.trunc(value))) || 0;
}
