// @ts-check
/**
 * The viewer's settings: the six that an operator can turn (`ViewerSettings` of the gateway). Lives
 * in the worker. Pure.
 *
 * These are the defaults. `welcome.settings` of the gateway overrides them by name, so that an
 * operator's setting reaches every browser. Unknown names are ignored, so that an older page works
 * with a newer gateway. All other constants stand beside their algorithms, and nothing overrides
 * those.
 *
 * @typedef {{ -readonly [name in keyof typeof DEFAULTS]: number }} Settings
 */

export const DEFAULTS = Object.freeze({
  /** An RTT of at least this is bad (ms). */
  rtt_limit_ms: 150,
  /** An RTT or age has to be bad for this long to lock video (ms), because one spike must not. */
  sustain_ms: 3000,
  /** A picture that is older than this when it is painted is bad (ms). */
  age_limit_ms: 1000,
  /** The time between pings (ms). */
  ping_interval_ms: 250,
  /** The shortest time between two requests for screenshots (ms). */
  screenshot_min_interval_ms: 100,
  /** The highest JPEG quality of screenshots, 1 to 100. */
  screenshot_quality_max: 90,
});

/**
 * Returns the defaults with the gateway's values over them. Ignores unknown names, and values that
 * are no number of at least 0.
 *
 * @param {Record<string, number>} [overrides]
 * @returns {Readonly<Settings>}
 */
export function withDefaults(overrides = {}) {
  const settings = /** @type {Record<string, number>} */ ({ ...DEFAULTS });
  for (const name of Object.keys(DEFAULTS)) {
    const value = overrides[name];
    if (typeof value === "number" && Number.isFinite(value) && value >= 0) settings[name] = value;
  }
  return Object.freeze(/** @type {Settings} */ (settings));
}
