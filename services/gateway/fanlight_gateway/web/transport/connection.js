// @ts-check
/**
 * The connection to the gateway and its reconnection: the one owner of both. Lives in the worker;
 * decides nothing (see reconnect.js and selection.js). It hands messages up as they come, and a way
 * that was left behind is never heard again.
 *
 * A WebSocket first. Where none comes through, plain HTTP goes on, and a WebSocket is tried in the
 * background: only when the gateway has spoken on it, the HTTP way has nothing under way and no key
 * is down does it say hello, which is what makes the gateway end the other. So no input is lost,
 * doubled or overtaken.
 *
 * @import { Settings } from "../protocol/settings.js"
 * @import { ViewerControl } from "../protocol/control.js"
 * @import { ViewerMessage } from "../protocol/binary.js"
 * @import { Connection } from "../element/status-text.js"
 *
 * @typedef {{
 *   onopen: () => void,
 *   onbinary: (data: ArrayBuffer) => void,
 *   ontext: (text: string) => void,
 *   onclosed: (code: number) => void,
 * }} WayEvents
 *
 * @typedef {{
 *   socketUrl: URL,
 *   httpUrl: URL,
 *   now: () => number,
 *   settings: () => Readonly<Settings>,
 *   hello: (plain: boolean) => ViewerControl,
 *   expectsPicture: () => boolean,
 *   onopen: (isContinued: boolean) => void,
 *   onbinary: (data: ArrayBuffer) => void,
 *   ontext: (text: string) => void,
 *   onchange: () => void,
 * }} LinkHost
 *
 * onopen: hello was said; isContinued: this goes on where another way ended, nothing was lost.
 */

import { HttpWay } from "./plain-http.js";
import { Passage } from "./selection.js";
import { FINAL_CODE, Reconnect } from "./reconnect.js";
import { SocketWay } from "./websocket.js";

const ABNORMAL = 1006;
/** How often it is looked whether all keys are up. */
const HELD_STEP_MS = 50;
/** A WebSocket that came through waits so long for that; the gateway gives it 10 s (ms). */
const CHANGE_LIMIT_MS = 5000;

export class Link {
  /** @type {LinkHost} */
  #host;
  #reconnect = new Reconnect();
  #passage = new Passage();
  /** @type {SocketWay | HttpWay | null} */
  #way = null;
  /** The WebSocket that is tried while plain HTTP is in use. @type {SocketWay | null} */
  #candidate = null;
  /** What is sent while the ways change. @type {((way: SocketWay | HttpWay) => void)[] | null} */
  #kept = null;
  #wasPainted = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {number | null} */
  #retryAt_ms = null;
  /** @type {Connection} */
  state = "connecting";
  /** @type {number | null} */
  closeCode = null;
  /** Whether the last way that opened was plain HTTP. */
  plain = false;
  /** When anything came, or a way opened (ms). */
  heard_ms = -Infinity;

  /** @param {LinkHost} host */
  constructor(host) {
    this.#host = host;
  }

  /** Bytes, or anything, that this way has not got rid of. */
  get bufferedAmount() {
    return this.#kept ? 0 : (this.#way?.bufferedAmount ?? 0);
  }

  /** Time until the next try (ms). @returns {number | null} */
  get retry_in_ms() {
    return this.#retryAt_ms === null ? null : Math.max(0, this.#retryAt_ms - this.#host.now());
  }

  /** Connect now: at the start, when a person asks, when the network is back. */
  connect() {
    this.#leave();
    this.#become("connecting", null);
    if (this.#passage.plain) this.#openHttp();
    else this.#openSocket();
  }

  /** A person asks, so the budget begins anew. */
  connectNow() {
    this.#reconnect.reset();
    this.connect();
  }

  /**
   * Nothing comes any more, though it should: a tunnel, or a laptop that slept. TCP would wait ever
   * longer before it tries again, so this way is left for a new one. WebSockets are not to blame.
   */
  silent() {
    this.#closed(ABNORMAL);
  }

  /** A picture was drawn: this gateway works. */
  painted() {
    if (this.state !== "open") return;
    this.#wasPainted = true;
    this.#reconnect.reset();
    const way = this.#way;
    const { websocket_proven_ms } = this.#host.settings();
    if (way instanceof SocketWay && way.heard_ms !== null) {
      if (this.#host.now() - way.heard_ms >= websocket_proven_ms) this.#passage.works();
    }
  }

  /** Leave for good. @param {number} [code] told to ourselves */
  close(code = 1000) {
    this.#leave();
    this.#become("closed", code);
  }

  /** @param {ViewerMessage} message */
  send(message) {
    this.#hand((way) => way.send(message));
  }

  /** @param {ViewerControl} message */
  sendControl(message) {
    this.#hand((way) => way.sendControl(message));
  }

  /** @param {(way: SocketWay | HttpWay) => void} send */
  #hand(send) {
    if (this.#kept) this.#kept.push(send);
    else if (this.#way && this.state === "open") send(this.#way);
  }

  /** @param {string} text */
  #text(text) {
    this.heard_ms = this.#host.now();
    this.#host.ontext(text);
  }

  /** @param {ArrayBuffer} data */
  #binary(data) {
    this.heard_ms = this.#host.now();
    this.#host.onbinary(data);
  }

  #openSocket() {
    const way = new SocketWay(this.#socketOptions(), {
      ontext: (text) => this.#text(text),
      onbinary: (data) => this.#binary(data),
      onopen: () => this.#opened(way, false),
      onclosed: (code) => this.#socketClosed(way, code),
    });
    this.#way = way;
  }

  #openHttp() {
    const { httpUrl: url, now, settings, hello } = this.#host;
    const way = new HttpWay(
      { url, now, settings, hello: () => hello(true) },
      {
        ontext: (text) => this.#text(text),
        onbinary: (data) => this.#binary(data),
        onopen: () => {
          this.#opened(null, false);
          this.#tryLater();
        },
        onclosed: (code) => this.#httpClosed(way, code),
      },
    );
    this.#way = way;
  }

  /** @param {SocketWay | null} socket  it still has to say hello @param {boolean} isContinued */
  #opened(socket, isContinued) {
    this.plain = socket === null;
    this.heard_ms = this.#host.now();
    this.#wasPainted = false;
    socket?.sendControl(this.#host.hello(false));
    this.#become("open", null);
    this.#host.onopen(isContinued);
  }

  /** @param {SocketWay} way @param {number} code */
  #socketClosed(way, code) {
    const { now, settings, expectsPicture } = this.#host;
    const lived_ms = way.heard_ms === null ? null : now() - way.heard_ms;
    const painted = this.#wasPainted || !expectsPicture();
    this.#passage.ended({ code, lived_ms, painted }, settings());
    if (this.#passage.plain && code < FINAL_CODE) this.connect();
    else this.#closed(code);
  }

  /** @param {HttpWay} way @param {number} code */
  #httpClosed(way, code) {
    if (!way.isOpen && code === ABNORMAL) this.#passage.plainFailed(this.#host.settings());
    this.#closed(code);
  }

  /** @param {number} code */
  #closed(code) {
    this.#leave();
    const wait_ms = this.#reconnect.closed(code, this.#host.settings());
    if (wait_ms === null) {
      this.#become("closed", code);
      return;
    }
    this.#retryAt_ms = this.#host.now() + wait_ms;
    this.#timer = setTimeout(() => this.connect(), wait_ms);
    this.#become("waiting", code);
  }

  // A WebSocket in the background.

  #tryLater() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#try(), this.#passage.wait(this.#host.settings()));
  }

  #try() {
    let isFirst = true;
    /** Messages that come before it is in use. @type {(() => void)[]} */
    const early = [];
    /** @param {() => void} deliver */
    const receive = (deliver) => {
      if (candidate === this.#way) {
        deliver();
        return;
      }
      early.push(deliver);
      if (isFirst) void this.#changeOver(candidate, early);
      isFirst = false;
    };
    const candidate = new SocketWay(this.#socketOptions(), {
      onopen: () => undefined,
      ontext: (text) => receive(() => this.#text(text)),
      onbinary: (data) => receive(() => this.#binary(data)),
      onclosed: (code) => {
        if (candidate === this.#way) this.#socketClosed(candidate, code);
        else this.#giveUp(candidate);
      },
    });
    this.#candidate = candidate;
  }

  /**
   * From plain HTTP to a WebSocket on which the gateway has spoken.
   *
   * @param {SocketWay} candidate
   * @param {readonly (() => void)[]} early
   */
  async #changeOver(candidate, early) {
    const old = this.#way;
    if (!(old instanceof HttpWay)) return;
    const until_ms = this.#host.now() + CHANGE_LIMIT_MS;
    const isOn = () => candidate === this.#candidate && old === this.#way && !candidate.isOver;
    // What is held goes up when the gateway changes ways, so that is not done under somebody's hands.
    while (old.held && isOn() && this.#host.now() < until_ms) await pause(HELD_STEP_MS);
    if (!isOn()) return;
    if (old.held) {
      this.#giveUp(candidate);
      return;
    }
    this.#kept = [];
    const isDrained = await old.drain(this.#host.settings().http_input_age_ms);
    const kept = this.#kept ?? [];
    if (old !== this.#way) return; // it was left meanwhile, and what was kept with it
    this.#kept = null;
    if (!isDrained || !isOn()) {
      for (const send of kept) send(old);
      this.#giveUp(candidate);
      return;
    }
    old.abandon();
    this.#candidate = null;
    this.#way = candidate;
    this.#passage.changedOver(this.#host.settings());
    this.#opened(candidate, true);
    for (const deliver of early) deliver();
    for (const send of kept) send(candidate);
  }

  /** @param {SocketWay} candidate */
  #giveUp(candidate) {
    candidate.close();
    if (candidate !== this.#candidate) return;
    this.#candidate = null;
    this.#tryLater();
  }

  #socketOptions() {
    const { socketUrl: url, now, settings } = this.#host;
    return { url, now, open_timeout_ms: settings().websocket_open_timeout_ms };
  }

  #leave() {
    clearTimeout(this.#timer);
    this.#retryAt_ms = null;
    this.#kept = null;
    const ways = [this.#way, this.#candidate];
    this.#way = this.#candidate = null;
    for (const way of ways) way?.close();
  }

  /** @param {Connection} state @param {number | null} code */
  #become(state, code) {
    this.state = state;
    this.closeCode = code;
    this.#host.onchange();
  }
}

/** @param {number} ms @returns {Promise<void>} */
function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
