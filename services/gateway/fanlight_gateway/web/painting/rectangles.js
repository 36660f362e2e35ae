// @ts-check
/**
 * Calculates with rectangles of pixels. Lives in the worker. Pure.
 *
 * @import { Rectangle } from "../protocol/binary.js"
 */

/** Returns whether one covers the other. @param {Rectangle} outer @param {Rectangle} inner */
export function covers(outer, inner) {
  return (
    outer.x <= inner.x &&
    outer.y <= inner.y &&
    outer.x + outer.width >= inner.x + inner.width &&
    outer.y + outer.height >= inner.y + inner.height
  );
}

/**
 * Returns the smallest rectangle that covers all.
 *
 * @param {readonly Rectangle[]} all
 * @returns {Rectangle}
 */
export function boundingBox(all) {
  const x = Math.min(...all.map((each) => each.x));
  const y = Math.min(...all.map((each) => each.y));
  const width = Math.max(...all.map((each) => each.x + each.width)) - x;
  const height = Math.max(...all.map((each) => each.y + each.height)) - y;
  return { x, y, width, height };
}

/**
 * Returns the smallest rectangle that covers this one and has even edges, because a copy must not
 * begin or end between two chroma samples.
 *
 * @param {Rectangle} rectangle  in a picture whose sides are even
 * @returns {Rectangle}
 */
export function evened({ x, y, width, height }) {
  const left = x - (x % 2);
  const top = y - (y % 2);
  const right = x + width + ((x + width) % 2);
  const bottom = y + height + ((y + height) % 2);
  return { x: left, y: top, width: right - left, height: bottom - top };
}
