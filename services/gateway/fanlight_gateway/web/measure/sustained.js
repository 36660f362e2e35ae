// @ts-check
/**
 * Tells whether something has been bad for long enough to act on it. Lives in the worker. Pure:
 * every function returns a new value and changes nothing.
 *
 * A bad stretch begins with the first bad observation and ends with the first good one. An
 * observation after a silence that is longer than the limit begins a new stretch, because two bad
 * moments with nothing observed between them (the device slept) are not one long bad stretch.
 *
 * @typedef {Readonly<{ since_ms: number, last_ms: number }> | null} Stretch  null if nothing is bad
 */

/**
 * Returns the stretch after an observation.
 *
 * @param {Stretch} stretch
 * @param {boolean} isBad
 * @param {number} now_ms
 * @param {number} limit_ms
 * @returns {Stretch}
 */
export function observe(stretch, isBad, now_ms, limit_ms) {
  if (!isBad) return null;
  if (stretch === null || now_ms - stretch.last_ms > limit_ms) {
    return { since_ms: now_ms, last_ms: now_ms };
  }
  return { since_ms: stretch.since_ms, last_ms: now_ms };
}

/**
 * Returns whether it has been bad for the limit.
 *
 * @param {Stretch} stretch
 * @param {number} limit_ms
 */
export function lasted(stretch, limit_ms) {
  return stretch !== null && stretch.last_ms - stretch.since_ms >= limit_ms;
}
