// @ts-check
/**
 * The WebSocket and its reconnection: the one owner of both. Lives in the worker; decides nothing
 * (see reconnect.js). It hands messages up as they come, and a socket that was left behind is never
 * heard again.
 *
 * @import { Settings } from "./settings.js"
 * @import { ViewerControl } from "./control.js"
 * @import { ViewerMessage } from "./protocol.js"
 * @import { Connection } from "./words.js"
 *
 * @typedef {{
 *   url: URL,
 *   now: () => number,
 *   settings: () => Readonly<Settings>,
 *   onopen: () => void,
 *   onbinary: (data: ArrayBuffer) => void,
 *   ontext: (text: string) => void,
 *   onchange: () => void,
 * }} LinkHost
 */

import { encodeControl } from "./control.js";
import { encodeToGateway } from "./protocol.js";
import { Reconnect } from "./reconnect.js";

/** A socket that has not opened after this is given up (ms). */
const OPEN_TIMEOUT_MS = 10_000;

export class Link {
  /** @type {LinkHost} */
  #host;
  #reconnect = new Reconnect();
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {number | null} */
  #retryAt_ms = null;
  /** @type {Connection} */
  state = "connecting";
  /** @type {number | null} */
  closeCode = null;

  /** @param {LinkHost} host */
  constructor(host) {
    this.#host = host;
  }

  /** Bytes that the socket has not got rid of. */
  get bufferedAmount() {
    return this.#socket?.bufferedAmount ?? 0;
  }

  /** Time until the next try (ms). @returns {number | null} */
  get retry_in_ms() {
    return this.#retryAt_ms === null ? null : Math.max(0, this.#retryAt_ms - this.#host.now());
  }

  /** Connect now: at the start, when a person asks, when the network is back. */
  connect() {
    this.#leave();
    this.#become("connecting", null);
    const socket = new WebSocket(this.#host.url);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    this.#timer = setTimeout(() => this.#closed(socket, 1006), OPEN_TIMEOUT_MS);
    socket.onopen = () => {
      if (socket !== this.#socket) return;
      clearTimeout(this.#timer);
      this.#become("open", null);
      this.#host.onopen();
    };
    socket.onmessage = ({ data }) => {
      if (socket !== this.#socket) return;
      if (typeof data === "string") this.#host.ontext(data);
      else this.#host.onbinary(data);
    };
    socket.onclose = ({ code }) => this.#closed(socket, code);
  }

  /** A person asks, so the budget begins anew. */
  connectNow() {
    this.#reconnect.reset();
    this.connect();
  }

  /** A picture was drawn: this gateway works. */
  painted() {
    this.#reconnect.reset();
  }

  /** Leave for good. @param {number} [code] told to ourselves */
  close(code = 1000) {
    this.#leave();
    this.#become("closed", code);
  }

  /** @param {ViewerMessage} message */
  send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(encodeToGateway(message));
  }

  /** @param {ViewerControl} message */
  sendControl(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(encodeControl(message));
  }

  /** @param {WebSocket} socket @param {number} code */
  #closed(socket, code) {
    if (socket !== this.#socket) return;
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

  #leave() {
    clearTimeout(this.#timer);
    this.#retryAt_ms = null;
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  /** @param {Connection} state @param {number | null} code */
  #become(state, code) {
    this.state = state;
    this.closeCode = code;
    this.#host.onchange();
  }
}
