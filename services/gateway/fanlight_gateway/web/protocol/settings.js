// @ts-check
/**
 * The viewer's constants, in one place. Pure.
 *
 * These are the defaults; `welcome.settings` of the gateway overrides them by name, so that one
 * operator's setting reaches every browser. Names that are not known are ignored, so that an older
 * page works with a newer gateway.
 *
 * @typedef {{ -readonly [name in keyof typeof DEFAULTS]: number }} Settings
 */

export const DEFAULTS = Object.freeze({
  /** Good is a round trip below this (ms). */
  rtt_limit_ms: 150,
  /** How long something has to be bad before it decides (ms): one spike does not. */
  sustain_ms: 3000,
  /** The oldest picture that still counts as live (ms). */
  age_limit_ms: 1000,
  /** How long a retry measures the base RTT, with video off (ms). */
  retry_measure_ms: 1000,
  /** After a retry: the queue in the network (RTT above its base) that is too much (ms). */
  inflation_limit_ms: 150,
  /** Time between pings (ms). */
  ping_interval_ms: 250,
  /** Screenshots: the shortest time between two requests (ms). */
  screenshot_min_interval_ms: 100,
  /** Screenshots: the longest time between two requests while nothing is wrong (ms). */
  screenshot_max_interval_ms: 500,
  /** Screenshots: a request is given up so long after the time for which it may be held (ms). */
  screenshot_timeout_ms: 5000,
  /** Screenshots: how long the server may hold a request until the desk changes (ms). */
  screenshot_wait_ms: 20000,
  /** Screenshots: requests in flight while answers are small. */
  screenshot_in_flight: 4,
  /** Screenshots: small is what the link carries in this share of its base RTT. */
  screenshot_small_share: 0.5,
  screenshot_quality_start: 70,
  screenshot_quality_min: 10,
  screenshot_quality_max: 90,
  /** Screenshots: a fetch over this lowers the quality (ms). */
  screenshot_slow_ms: 500,
  /** Screenshots: a fetch under this raises it (ms). */
  screenshot_fast_ms: 300,
  /** Screenshots: a slow one lowers the quality by so much, a fast one raises it by so much. */
  screenshot_quality_down: 10,
  screenshot_quality_up: 5,
  /** Screenshots: the least scale, where the lowest quality is still slow. */
  screenshot_scale_min: 0.25,
  /** Screenshots: so many fast ones in a row, and the scale doubles. One would make it flicker. */
  screenshot_scale_return_fetches: 3,
  /** More units than this waiting in the decoder: drop to the next IDR. */
  decoder_backlog_units: 4,
  /** So many decoder errors within a minute: fall back to screenshots. */
  decoder_error_limit: 3,
  /** Units for so long without a painted picture: an error that shows (ms). */
  paint_timeout_ms: 5000,
  /** A WebSocket that brought nothing by then is given up (ms). */
  websocket_open_timeout_ms: 5000,
  /** So many WebSockets that fail in a row: on by plain HTTP. */
  websocket_failure_limit: 2,
  /** A WebSocket that showed a picture and lasted so long did not fail (ms). */
  websocket_proven_ms: 5000,
  /** So many times the failures, where a WebSocket has worked here before. */
  websocket_proven_factor: 5,
  /** On plain HTTP: the first and the longest wait before a WebSocket is tried (ms). */
  websocket_retry_min_ms: 5000,
  websocket_retry_max_ms: 300000,
  /** Time between pings on plain HTTP (ms). */
  http_ping_interval_ms: 1000,
  /** A plain HTTP request without answer is sent again after this (ms). */
  http_timeout_ms: 5000,
  /** Plain HTTP on which requests fail for so long is lost (ms). */
  http_lost_ms: 10000,
  /** Input that plain HTTP could not deliver by then is not delivered later (ms). */
  http_input_age_ms: 2000,
  /** Nothing at all heard for so long: the connection is gone (ms). */
  silence_limit_ms: 3000,
  /** Gone twice within this: the link does not stand video (ms). */
  silence_memory_ms: 60000,
  reconnect_min_ms: 250,
  reconnect_max_ms: 10000,
});

/**
 * The defaults with the gateway's values laid over them.
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
