// @ts-check
/**
 * Whether WebSockets come through on this network, and when to try one again. Pure.
 *
 * A WebSocket failed that never brought a message, that ended without a picture though one was due,
 * or that ended soon after it began. Two in a row: plain HTTP. One that showed pictures for a while
 * and was cut (proxies end what lasts long) is an ordinary reconnect. What the gateway itself
 * closed came through, so it counts for nothing. Where one has worked before, failures are more
 * likely a tunnel, in which plain HTTP would fare no better: it takes more of them.
 *
 * @import { Settings } from "../protocol/settings.js"
 *
 * @typedef {Readonly<{ code: number, lived_ms: number | null, painted: boolean }>} End
 *
 * lived_ms: since its first message; null: none came.
 */

import { CloseCode } from "../protocol/binary.js";

/** Close codes from here on are the gateway's own. */
const OWN_CODE = 4000;
/** Proxies do not say these. @type {readonly number[]} */
const SAID_BY_GATEWAY = [CloseCode.GOING_AWAY, CloseCode.TRY_LATER];

export class Passage {
  #failures = 0;
  #tries = 0;
  #isProven = false;
  /** @type {() => number} */
  #random;
  /** Go by plain HTTP. */
  plain = false;

  /** @param {() => number} [random] */
  constructor(random = Math.random) {
    this.#random = random;
  }

  /** One shows pictures. */
  works() {
    this.#isProven = true;
    this.#failures = 0;
  }

  /** The WebSocket in use has ended. @param {End} end @param {Readonly<Settings>} settings */
  ended({ code, lived_ms, painted }, settings) {
    if (SAID_BY_GATEWAY.includes(code) || code >= OWN_CODE) return;
    if (lived_ms !== null && lived_ms >= settings.websocket_proven_ms && painted) {
      this.#failures = 0;
      this.#tries = 0;
      return;
    }
    this.#failures++;
    this.plain = this.#failures >= this.#limit(settings);
  }

  /**
   * Plain HTTP does not come through either: perhaps the gateway is down, and what comes back first
   * may be the WebSocket. One more failure of it is enough.
   *
   * @param {Readonly<Settings>} settings
   */
  plainFailed(settings) {
    this.plain = false;
    this.#failures = this.#limit(settings) - 1;
  }

  /**
   * A WebSocket was tried in the background and came through. If it is cut soon it was one failure
   * too many, and the next try waits longer.
   *
   * @param {Readonly<Settings>} settings
   */
  changedOver(settings) {
    this.plainFailed(settings);
  }

  /** @param {Readonly<Settings>} settings */
  #limit({ websocket_failure_limit, websocket_proven_factor }) {
    return websocket_failure_limit * (this.#isProven ? websocket_proven_factor : 1);
  }

  /** How long to wait before the next try (ms). @param {Readonly<Settings>} settings */
  wait(settings) {
    const { websocket_retry_min_ms, websocket_retry_max_ms } = settings;
    const full_ms = Math.min(websocket_retry_min_ms * 2 ** this.#tries, websocket_retry_max_ms);
    this.#tries++;
    return full_ms * (0.5 + this.#random() / 2);
  }
}
