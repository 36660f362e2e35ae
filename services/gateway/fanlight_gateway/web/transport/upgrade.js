// @ts-check
/**
 * Changes from plain HTTP back to a WebSocket, without a message lost, doubled or overtaken. Lives
 * in the worker; owns the WebSocket that is tried in the background (the candidate) and the
 * messages that have to wait during the change.
 *
 *   state    | event                                        | next
 *   ---------+----------------------------------------------+--------------------------------------
 *   idle     | 1 `start`: plain HTTP has opened             | waiting
 *   waiting  | 2 the wait of selection.js is over           | trying: the candidate opens, and does
 *            |                                              |   not say Hello
 *   trying   | 3 the gateway's first message came           | quiet: waits until all keys are up
 *   quiet    | 4 all keys are up                            | draining: messages of the viewer wait
 *   quiet    | 5 a key is down for `CHANGE_LIMIT_MS`        | waiting: the candidate is closed
 *   draining | 6 the gateway acknowledged everything        | idle: `onupgrade`, then what waited
 *   draining | 7 it did not within `INPUT_AGE_MS`           | waiting: what waited goes by HTTP
 *   any      | 8 the candidate closed                       | waiting (draining: see 7)
 *   any      | 9 `stop`: plain HTTP has ended               | idle: what waited is dropped
 *
 * A test has a case for each row.
 *
 * The Hello of the candidate, which the owner sends in `onupgrade`, makes the gateway end the plain
 * HTTP session. The gateway then releases held keys, so this does not happen while a person holds
 * one (4).
 *
 * @import { PlainHttpTransport } from "./plain-http.js"
 * @import { Transport, TransportEvents } from "./transport.js"
 *
 * @typedef {{
 *   now: () => number,
 *   waitBeforeTry: () => number,
 *   makeWebSocket: (events: TransportEvents) => Transport,
 *   onupgrade: (webSocket: Transport) => void,
 *   ontext: (text: string) => void,
 *   onbinary: (data: ArrayBuffer) => void,
 *   onclosed: (webSocket: Transport, code: number) => void,
 * }} UpgradeHost
 *
 * onupgrade: the owner uses the WebSocket from now on. ontext, onbinary, onclosed: events of a
 * WebSocket after its onupgrade.
 */

import { pause } from "./pause.js";
import { INPUT_AGE_MS } from "./plain-http.js";

/** How often this checks whether all keys are up (ms). */
const KEYS_STEP_MS = 50;
/**
 * A candidate that works waits no longer than this until all keys are up (ms). The gateway closes a
 * WebSocket that sends no Hello within 10 s.
 */
const CHANGE_LIMIT_MS = 5000;

export class WebSocketUpgrade {
  /** @type {UpgradeHost} */
  #host;
  /** The transport in use; null in `idle`. @type {PlainHttpTransport | null} */
  #plainHttp = null;
  /** @type {Transport | null} */
  #candidate = null;
  /**
   * The viewer's messages that wait while plain HTTP is drained, as functions that send them; null
   * in the other states.
   *
   * @type {((to: Transport) => void)[] | null}
   */
  #waiting = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {UpgradeHost} host */
  constructor(host) {
    this.#host = host;
  }

  /** Plain HTTP has opened: tries a WebSocket later. @param {PlainHttpTransport} plainHttp */
  start(plainHttp) {
    this.stop();
    this.#plainHttp = plainHttp;
    this.#tryLater();
  }

  /** Plain HTTP has ended. Drops the messages that wait. */
  stop() {
    clearTimeout(this.#timer);
    const candidate = this.#candidate;
    this.#plainHttp = this.#candidate = this.#waiting = null;
    candidate?.close();
  }

  /** Whether messages have to wait (`postpone`). */
  get isDraining() {
    return this.#waiting !== null;
  }

  /**
   * Keeps a message until it is known which transport takes it.
   *
   * @param {(to: Transport) => void} send
   */
  postpone(send) {
    this.#waiting?.push(send);
  }

  #tryLater() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#try(), this.#host.waitBeforeTry());
  }

  #try() {
    /**
     * The gateway's messages that came before the candidate was in use, as functions that deliver
     * them; null: it is in use.
     *
     * @type {(() => void)[] | null}
     */
    let early = [];
    /** @param {() => void} deliver */
    const receive = (deliver) => {
      if (early === null) deliver();
      else if (early.push(deliver) === 1) void change();
    };
    const change = async () => {
      if (!(await this.#change(candidate)) || candidate !== this.#candidate) return;
      const waiting = this.#waiting ?? [];
      this.#plainHttp?.abandon();
      this.#plainHttp = this.#candidate = this.#waiting = null;
      const messages = early ?? [];
      early = null;
      this.#host.onupgrade(candidate);
      for (const deliver of messages) deliver();
      for (const send of waiting) send(candidate);
    };
    const candidate = this.#host.makeWebSocket({
      onopen: () => undefined,
      ontext: (text) => receive(() => this.#host.ontext(text)),
      onbinary: (data) => receive(() => this.#host.onbinary(data)),
      onclosed: (code) => {
        if (early === null) this.#host.onclosed(candidate, code);
        else this.#giveUp(candidate);
      },
    });
    this.#candidate = candidate;
    candidate.open();
  }

  /**
   * Waits until all keys are up, and until the gateway has acknowledged everything over plain HTTP.
   * If that fails, closes the candidate, and sends the messages that wait over plain HTTP.
   *
   * @param {Transport} candidate  over which the gateway has sent a message
   * @returns {Promise<boolean>} true if the candidate may be used. The caller then sends `#waiting`
   *   over it
   */
  async #change(candidate) {
    const plainHttp = this.#plainHttp;
    if (plainHttp === null) return false;
    const until_ms = this.#host.now() + CHANGE_LIMIT_MS;
    const isOn = () =>
      plainHttp === this.#plainHttp && candidate === this.#candidate && !candidate.isClosed;
    while (plainHttp.isAnyKeyDown && isOn() && this.#host.now() < until_ms) {
      await pause(KEYS_STEP_MS);
    }
    if (!isOn()) return false;
    if (plainHttp.isAnyKeyDown) {
      this.#giveUp(candidate);
      return false;
    }
    this.#waiting = [];
    const isDrained = await plainHttp.drain(INPUT_AGE_MS);
    if (plainHttp !== this.#plainHttp) return false;
    if (isDrained && isOn()) return true;
    const waiting = this.#waiting;
    this.#waiting = null;
    for (const send of waiting) send(plainHttp);
    this.#giveUp(candidate);
    return false;
  }

  /** Closes a candidate, and tries another one later. @param {Transport} candidate */
  #giveUp(candidate) {
    candidate.close();
    if (candidate !== this.#candidate) return;
    this.#candidate = null;
    this.#tryLater();
  }
}
