// @ts-check
/**
 * The viewer's settings, in one place. Pure; runs in the worker.
 *
 * These are the defaults. `welcome.settings` of the gateway overrides them by name, so that an
 * operator's setting reaches every browser. Unknown names are ignored, so that an older page works
 * with a newer gateway.
 *
 * @typedef {{ -readonly [name in keyof typeof DEFAULTS]: number }} Settings
 */

export const DEFAULTS = Object.freeze({
  /** An RTT below this is good (ms). */
  rtt_limit_ms: 150,
  /**
   * For so long something has to be bad before video is locked (ms): one spike does not lock it.
   */
  sustain_ms: 3000,
  /** A picture that is older when it is painted is bad (ms). */
  age_limit_ms: 1000,
  /** For so long a retry measures the base RTT, with video off (ms). */
  retry_measure_ms: 1000,
  /** After a retry: an RTT that is so far above its base is bad (ms). */
  inflation_limit_ms: 150,
  /** Time between pings (ms). */
  ping_interval_ms: 250,
  /** Screenshots: the shortest time between two requests (ms). */
  screenshot_min_interval_ms: 100,
  /** Screenshots: the longest time between two requests while nothing is wrong (ms). */
  screenshot_max_interval_ms: 500,
  /** Screenshots: a request is aborted so long after `screenshot_wait_ms` (ms). */
  screenshot_timeout_ms: 5000,
  /** Screenshots: for so long the server may keep a request open until the desk changes (ms). */
  screenshot_wait_ms: 20000,
  /** Screenshots: requests in flight while answers are small. */
  screenshot_in_flight: 4,
  /** Screenshots: an answer is small if the network carries it in this share of the base RTT. */
  screenshot_small_share: 0.5,
  screenshot_quality_start: 70,
  screenshot_quality_min: 10,
  screenshot_quality_max: 90,
  /** Screenshots: a fetch over this lowers the quality (ms). */
  screenshot_slow_ms: 500,
  /** Screenshots: a fetch under this raises it (ms). */
  screenshot_fast_ms: 300,
  /** Screenshots: a slow fetch lowers the quality by so much, a fast one raises it by so much. */
  screenshot_quality_down: 10,
  screenshot_quality_up: 5,
  /** Screenshots: the least scale, where the lowest quality is still slow. */
  screenshot_scale_min: 0.25,
  /**
   * Screenshots: after so many fast fetches in a row the scale doubles. One would make it flicker.
   */
  screenshot_scale_return_fetches: 3,
  /** When more units wait in the decoder, all are dropped until the next IDR. */
  decoder_backlog_units: 4,
  /** After so many decoder errors within a minute, video is locked. */
  decoder_error_limit: 3,
  /** When units come for so long without a picture, video is locked (ms). */
  paint_timeout_ms: 5000,
  /** A WebSocket without a message by then is given up (ms). */
  websocket_open_timeout_ms: 5000,
  /** After so many WebSockets that failed in a row, plain HTTP is used. */
  websocket_failure_limit: 2,
  /** A WebSocket that showed a picture and lasted so long did not fail (ms). */
  websocket_proven_ms: 5000,
  /** Where a WebSocket has worked before, it takes so many times the failures. */
  websocket_proven_factor: 5,
  /** On plain HTTP: the first and the longest wait before a WebSocket is tried again (ms). */
  websocket_retry_min_ms: 5000,
  websocket_retry_max_ms: 300000,
  /** Time between pings on plain HTTP (ms). */
  http_ping_interval_ms: 1000,
  /** A plain HTTP request without an answer is sent again after this (ms). */
  http_timeout_ms: 5000,
  /** When requests have failed for so long, plain HTTP is lost (ms). */
  http_lost_ms: 10000,
  /** Input that plain HTTP has not delivered by then is dropped (ms). */
  http_input_age_ms: 2000,
  /** When nothing has come for so long, the connection is left for a new one (ms). */
  silence_limit_ms: 3000,
  /** After a second silence within this time, video is locked (ms). */
  silence_memory_ms: 60000,
  /** The first and the longest wait before the next try to connect (ms). */
  reconnect_min_ms: 250,
  reconnect_max_ms: 10000,
});

/**
 * The defaults with the gateway's values over them. Values that are no numbers of at least 0 are
 * ignored.
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
