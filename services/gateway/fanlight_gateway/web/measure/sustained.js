// @ts-check
/**
 * Whether something has been bad for long enough to act on it. Pure and immutable.
 *
 * A stretch begins with the first bad observation and ends with the first good one. An observation
 * that comes after a longer silence than the limit begins a new stretch: two bad moments with
 * nothing seen between them (a machine that slept) are not a bad minute.
 *
 * @typedef {Readonly<{ since_ms: number, last_ms: number }> | null} Stretch
 */

/**
 * @param {Stretch} stretch
 * @param {boolean} bad
 * @param {number} now_ms
 * @param {number} limit_ms
 * @returns {Stretch}
 */
export function observe(stretch, bad, now_ms, limit_ms) {
  if (!bad) return null;
  if (stretch === null || now_ms - stretch.last_ms > limit_ms) {
    return { since_ms: now_ms, last_ms: now_ms };
  }
  return { since_ms: stretch.since_ms, last_ms: now_ms };
}

/**
 * @param {Stretch} stretch
 * @param {number} limit_ms
 */
export function lasted(stretch, limit_ms) {
  return stretch !== null && stretch.last_ms - stretch.since_ms >= limit_ms;
}
