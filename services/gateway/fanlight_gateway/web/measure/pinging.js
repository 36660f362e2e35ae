// @ts-check
/**
 * Sends pings while a connection is open, and judges what they show. Lives in the worker; owns the
 * ping timer. clock.js keeps what the pongs say.
 *
 * 1. While the page is visible, a ping goes out every `ping_interval_ms` (plain HTTP:
 *    `http_ping_interval_ms`). While it is hidden, none does.
 * 2. The RTT is judged at each pong and before each ping, so that a ping without an answer counts
 *    while it waits. While a retry measures the base RTT, only pongs count.
 * 3. When nothing has come for `silence_limit_ms` although pings went out, the connection is silent
 *    (`onsilent`). An RTT is not judged once half of that time has passed.
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
 * onping: a ping went out; the regular moment to look at what else may be overdue.
 */

export class Pinging {
  /** @type {PingingHost} */
  #host;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** Since when pings go out without a pause (ms). @type {number | null} */
  #since_ms = null;

  /** @param {PingingHost} host */
  constructor(host) {
    this.#host = host;
  }

  /** Pings now, and then regularly until the connection closes. */
  start() {
    this.#ping();
  }

  stop() {
    clearTimeout(this.#timer);
  }

  /** Sends a ping if none is in flight. */
  probe() {
    const { connection, clock, now } = this.#host;
    if (connection.state !== "open" || !connection.carriesVideo || clock.isWaiting) return;
    connection.send(clock.ping(now()));
  }

  /** @param {Pong} pong */
  pong(pong) {
    if (this.#host.clock.pong(pong, this.#host.now())) this.#judgeRtt();
  }

  #ping() {
    const { connection, clock, now, settings } = this.#host;
    clearTimeout(this.#timer);
    if (connection.state !== "open") return;
    const { ping_interval_ms, http_ping_interval_ms } = settings();
    const interval_ms = connection.carriesVideo ? ping_interval_ms : http_ping_interval_ms;
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

  /** Plain HTTP finds out by itself that its requests fail. */
  #isSilent() {
    const { connection, now, settings } = this.#host;
    const since_ms = Math.max(connection.lastMessage_ms, this.#since_ms ?? Infinity);
    return connection.carriesVideo && now() - since_ms > settings().silence_limit_ms;
  }

  #judgeRtt() {
    const { connection, clock, now, settings } = this.#host;
    if (now() - connection.lastMessage_ms > settings().silence_limit_ms / 2) return;
    const rtt_ms = clock.currentRtt(now());
    if (rtt_ms !== null) this.#host.onrtt(rtt_ms, clock.base_rtt_ms ?? 0);
  }
}
