// @ts-check
/**
 * Sends pings while a connection is open, and judges what they show. Lives in the worker; owns the
 * ping timer. clock.js keeps what the pongs say.
 *
 * 1. While the page is visible, a ping goes out every `ping_interval_ms` (over plain HTTP:
 *    `HTTP_PING_INTERVAL_MS`). While the page is hidden, no ping goes out.
 * 2. The RTT is judged at each pong and before each ping, so that a ping without an answer counts
 *    while it waits. While a retry measures the base RTT, only pongs count.
 * 3. If nothing has come for `SILENCE_LIMIT_MS` although pings went out, the connection is silent
 *    (`onsilent`). Once half of that time has passed, the RTT is not judged any more.
 * 4. While a person holds a key, `probe` keeps one ping in flight at any time, so that a stall is
 *    seen before many repetitions of the key are sent into it.
 *
 * @import { Pong, ViewerMessage } from "../protocol/binary.js"
 * @import { Settings } from "../protocol/settings.js"
 * @import { Clock } from "./clock.js"
 *
 * @typedef {{
 *   now: () => number,
 *   settings: () => Readonly<Settings>,
 *   clock: Clock,
 *   connection: { readonly state: string, readonly carriesVideo: boolean,
 *     readonly lastMessage_ms: number, send: (message: ViewerMessage) => void },
 *   isVisible: () => boolean,
 *   isMeasuringBase: () => boolean,
 *   onrtt: (rtt_ms: number, base_rtt_ms: number) => void,
 *   onsilent: () => void,
 *   onping: () => void,
 * }} PingingHost
 *
 * onrtt: the RTT was judged. onping: a ping went out, which is the regular moment to look at what
 * else may be overdue.
 */

/** The time between pings over plain HTTP (ms). Each is a request, and no video needs its RTT. */
export const HTTP_PING_INTERVAL_MS = 1000;
/** If nothing has come for this long, the connection is left for a new one (ms). */
export const SILENCE_LIMIT_MS = 3000;

export class Pinging {
  /** @type {PingingHost} */
  #host;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** Since when pings go out without a pause (ms); null: none do. @type {number | null} */
  #since_ms = null;

  /** @param {PingingHost} host */
  constructor(host) {
    this.#host = host;
  }

  /** Pings now, and then regularly until the connection closes. */
  start() {
    this.#ping();
  }

  /** Sends a ping if none is in flight. */
  probe() {
    const { connection, clock, now } = this.#host;
    if (connection.state !== "open" || !connection.carriesVideo || clock.isWaiting) return;
    connection.send(clock.ping(now()));
  }

  /** Takes a pong of the gateway. @param {Pong} pong */
  pong(pong) {
    if (this.#host.clock.pong(pong, this.#host.now())) this.#judgeRtt();
  }

  #ping() {
    const { connection, clock, now, settings } = this.#host;
    clearTimeout(this.#timer);
    if (connection.state !== "open") return;
    const { ping_interval_ms } = settings();
    const interval_ms = connection.carriesVideo ? ping_interval_ms : HTTP_PING_INTERVAL_MS;
    this.#timer = setTimeout(() => this.#ping(), interval_ms);
    if (!this.#host.isVisible()) {
      this.#since_ms = null;
      return;
    }
    this.#since_ms ??= now();
    if (this.#isSilent()) {
      this.#host.onsilent();
      return;
    }
    if (!this.#host.isMeasuringBase()) this.#judgeRtt();
    connection.send(clock.ping(now()));
    this.#host.onping();
  }

  /** Returns whether the connection is silent. Plain HTTP finds out by itself. */
  #isSilent() {
    const { connection, now } = this.#host;
    const since_ms = Math.max(connection.lastMessage_ms, this.#since_ms ?? Infinity);
    return connection.carriesVideo && now() - since_ms > SILENCE_LIMIT_MS;
  }

  #judgeRtt() {
    const { connection, clock, now } = this.#host;
    if (now() - connection.lastMessage_ms > SILENCE_LIMIT_MS / 2) return;
    const rtt_ms = clock.currentRtt(now());
    if (rtt_ms !== null) this.#host.onrtt(rtt_ms, clock.base_rtt_ms ?? 0);
  }
}
