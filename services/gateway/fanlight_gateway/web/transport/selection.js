// @ts-check
/**
 * Decides which transport to use next, and when to try a WebSocket again while plain HTTP is in
 * use. Lives in the worker. Pure; it counts failures and tries. It knows exactly two transports, a
 * WebSocket and plain HTTP; a third one needs rules of its own here.
 *
 * A WebSocket *failed* if no message came over it, if it ended without a picture although a picture
 * was due, or if it ended soon after its first message. It *worked* if it showed pictures for
 * `PROVEN_MS`: proxies cut what lasts long, and that is an ordinary reconnect. If the gateway
 * itself closed it, the WebSocket got through, so it neither failed nor worked.
 *
 *   event                                    | next transport | failures
 *   -----------------------------------------+----------------+---------------------------------
 *   1 webSocketEnded, closed by the gateway  | as before      | as before
 *   2 webSocketEnded, it worked              | as before      | 0
 *   3 webSocketEnded, it failed              | plain HTTP at  | one more; the limit is
 *                                            | the limit      | `FAILURE_LIMIT`
 *   4 webSocketWorks                         | as before      | 0, and the limit grows by
 *                                            |                | `PROVEN_FACTOR`
 *   5 plainHttpFailed                        | WebSocket      | one below the limit
 *   6 upgraded                               | WebSocket      | one below the limit
 *
 * 4: if a WebSocket has worked before, later failures most likely come from a tunnel, in which
 * plain HTTP would fail as well. 5: perhaps the gateway is down, and a WebSocket works when it is
 * back. 6: a WebSocket that was tried in the background works. If it fails nevertheless, the limit
 * is reached, and plain HTTP is used again. A test holds this table against the code.
 *
 * @typedef {Readonly<{ code: number, lived_ms: number | null, painted: boolean }>} WebSocketEnd
 *
 * lived_ms: the time since the first message; null: no message came. painted: it showed a picture,
 * or no picture was due.
 */

import { CloseCode } from "../protocol/constants.js";

/** A WebSocket that showed a picture and lasted this long did not fail (ms). */
export const PROVEN_MS = 5000;
/** After so many failed WebSockets in a row, plain HTTP is used. One failure may be an accident. */
export const FAILURE_LIMIT = 2;
/** If a WebSocket has worked before, the limit is this many times `FAILURE_LIMIT`. */
export const PROVEN_FACTOR = 5;
/** The first and the longest wait before a WebSocket is tried in the background (ms). */
export const RETRY_MIN_MS = 5000;
const RETRY_MAX_MS = 300_000;
/** Close codes of at least this are the gateway's own. */
const FIRST_GATEWAY_CODE = 4000;
/** Smaller codes that the gateway sends, and no proxy does. @type {readonly number[]} */
const GATEWAY_CODES = [CloseCode.GOING_AWAY, CloseCode.TRY_LATER];

export class TransportSelection {
  /** How many WebSockets failed in a row. */
  #failures = 0;
  /** How many WebSockets were tried in the background since one last worked. */
  #tries = 0;
  #hasWorked = false;
  /** @type {() => number} */
  #random;
  /** Whether the next transport is plain HTTP. */
  usesPlainHttp = false;

  /** @param {() => number} [random] */
  constructor(random = Math.random) {
    this.#random = random;
  }

  /** Notes that a WebSocket has shown pictures for long enough. */
  webSocketWorks() {
    this.#hasWorked = true;
    this.#failures = 0;
  }

  /** Notes how a WebSocket ended. @param {WebSocketEnd} end */
  webSocketEnded({ code, lived_ms, painted }) {
    if (GATEWAY_CODES.includes(code) || code >= FIRST_GATEWAY_CODE) return;
    if (lived_ms !== null && lived_ms >= PROVEN_MS && painted) {
      this.#failures = 0;
      this.#tries = 0;
      return;
    }
    this.#failures++;
    this.usesPlainHttp = this.#failures >= this.#failureLimit;
  }

  /** Notes that plain HTTP did not open. */
  plainHttpFailed() {
    this.usesPlainHttp = false;
    this.#failures = this.#failureLimit - 1;
  }

  /** Notes that a WebSocket has taken over from plain HTTP. */
  upgraded() {
    this.plainHttpFailed();
  }

  /**
   * Returns how long to wait before a WebSocket is tried in the background (ms). Each call counts
   * as a try, and the wait doubles from try to try.
   */
  waitBeforeTry() {
    const full_ms = Math.min(RETRY_MIN_MS * 2 ** this.#tries, RETRY_MAX_MS);
    this.#tries++;
    return full_ms * (0.5 + this.#random() / 2);
  }

  get #failureLimit() {
    return FAILURE_LIMIT * (this.#hasWorked ? PROVEN_FACTOR : 1);
  }
}
