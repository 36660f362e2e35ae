// @ts-check
/**
 * Calculates where the picture is in its element, and which point of the desk a point of the page
 * is. Lives in the page. Pure.
 *
 * @typedef {{ x: number, y: number, width: number, height: number }} Rect
 */

import { FRACTION_MAX } from "../protocol/constants.js";

/**
 * Returns the place of the picture: in the middle, as large as it fits (`object-fit: contain`).
 *
 * @param {Rect} box
 * @param {number} width
 * @param {number} height
 * @returns {Rect}
 */
export function letterbox(box, width, height) {
  if (width <= 0 || height <= 0) return box;
  const scale = Math.min(box.width / width, box.height / height);
  const shown = { width: width * scale, height: height * scale };
  return {
    x: box.x + (box.width - shown.width) / 2,
    y: box.y + (box.height - shown.height) / 2,
    ...shown,
  };
}

/**
 * Returns a point of the page as fractions of the desk (1/65536). The fractions are the middle of
 * the desk's pixel under the point, so that the gateway's `fraction * width >> 16` gives that
 * pixel. A point beside the picture gives the picture's edge.
 *
 * @param {number} x
 * @param {number} y
 * @param {Rect} picture
 * @param {{ width: number, height: number }} desk
 * @returns {readonly [number, number]}
 */
export function toFractions(x, y, picture, desk) {
  return [
    fraction((x - picture.x) / picture.width, desk.width),
    fraction((y - picture.y) / picture.height, desk.height),
  ];
}

/** @param {number} part @param {number} size */
function fraction(part, size) {
  const pixel = Math.min(size - 1, Math.max(0, Math.floor(part * size)));
  const value = Math.round(((pixel + 0.5) / size) * 65536);
  return Math.min(FRACTION_MAX, Math.max(0, value)) || 0;
}

/**
 * Returns whether a point is on the picture.
 *
 * @param {number} x
 * @param {number} y
 * @param {Rect} rect
 */
export function within(x, y, rect) {
  return x >= rect.x && y >= rect.y && x < rect.x + rect.width && y < rect.y + rect.height;
}
