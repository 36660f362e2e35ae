// @ts-check
/**
 * Which transport to use next, and when to try a WebSocket again while plain HTTP is in use. Lives
 * in the worker. Pure; time is an argument.
 *
 * A WebSocket *failed* if no message came over it, if it ended without a picture although a picture
 * was due, or if it ended soon after its first message. It *worked* if it showed pictures for
 * `websocket_proven_ms`: proxies cut what lasts long, and that is an ordinary reconnect. What the
 * gateway closed itself got through, so it is neither.
 *
 *   event                                    | next transport | failures
 *   -----------------------------------------+----------------+---------------------------------
 *   1 webSocketEnded, closed by the gateway  | as before      | as before
 *   2 webSocketEnded, it worked              | as before      | 0
 *   3 webSocketEnded, it failed              | plain HTTP at  | one more; the limit is
 *                                            | the limit      | `websocket_failure_limit` (2)
 *   4 webSocketWorks                         | as before      | 0, and the limit grows by
 *                                            |                | `websocket_proven_factor` (5)
 *   5 plainHttpFailed                        | WebSocket      | one below the limit
 *   6 upgraded                               | WebSocket      | one below the limit
 *
 * 4: where a WebSocket has worked before, failures are more likely a tunnel, in which plain HTTP
 * would fare no better. 5: perhaps the gateway is down, and the WebSocket may be what comes back
 * first. 6: a WebSocket that was tried in the background works; if it is cut soon, that is one
 * failure too many.
 *
 * @import { Settings } from "../protocol/settings.js"
 *
 * @typedef {Readonly<{ code: number, lived_ms: number | null, painted: boolean }>} WebSocketEnd
 *
 * lived_ms: since the first message; null: no message came. painted: it showed a picture, or none
 * was due.
 */

import { CloseCode } from "../protocol/constants.js";

/** Close codes from here on are the gateway's own. */
const FIRST_GATEWAY_CODE = 4000;
/** Smaller codes that no proxy sends. @type {readonly number[]} */
const GATEWAY_CODES = [CloseCode.GOING_AWAY, CloseCode.TRY_LATER];

export class TransportSelection {
  /** Of WebSockets, in a row. */
  #failures = 0;
  /** Tries in the background since a WebSocket last worked. */
  #tries = 0;
  #hasWorked = false;
  /** @type {() => number} */
  #random;
  /** The next transport is plain HTTP. */
  usesPlainHttp = false;

  /** @param {() => number} [random] */
  constructor(random = Math.random) {
    this.#random = random;
  }

  /** A WebSocket has shown pictures for long enough. */
  webSocketWorks() {
    this.#hasWorked = true;
    this.#failures = 0;
  }

  /** @param {WebSocketEnd} end @param {Readonly<Settings>} settings */
  webSocketEnded({ code, lived_ms, painted }, settings) {
    if (GATEWAY_CODES.includes(code) || code >= FIRST_GATEWAY_CODE) return;
    if (lived_ms !== null && lived_ms >= settings.websocket_proven_ms && painted) {
      this.#failures = 0;
      this.#tries = 0;
      return;
    }
    this.#failures++;
    this.usesPlainHttp = this.#failures >= this.#failureLimit(settings);
  }

  /** Plain HTTP did not open. @param {Readonly<Settings>} settings */
  plainHttpFailed(settings) {
    this.usesPlainHttp = false;
    this.#failures = this.#failureLimit(settings) - 1;
  }

  /** A WebSocket has taken over from plain HTTP. @param {Readonly<Settings>} settings */
  upgraded(settings) {
    this.plainHttpFailed(settings);
  }

  /**
   * How long to wait before a WebSocket is tried in the background (ms). Each call counts as a try:
   * the wait doubles from one to the next.
   *
   * @param {Readonly<Settings>} settings
   */
  waitBeforeTry(settings) {
    const { websocket_retry_min_ms, websocket_retry_max_ms } = settings;
    const full_ms = Math.min(websocket_retry_min_ms * 2 ** this.#tries, websocket_retry_max_ms);
    this.#tries++;
    return full_ms * (0.5 + this.#random() / 2);
  }

  /** @param {Readonly<Settings>} settings */
  #failureLimit({ websocket_failure_limit, websocket_proven_factor }) {
    return websocket_failure_limit * (this.#hasWorked ? websocket_proven_factor : 1);
  }
}
