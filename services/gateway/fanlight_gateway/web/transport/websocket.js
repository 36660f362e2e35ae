// @ts-check
/**
 * One WebSocket, as a way to the gateway. Lives in the worker; decides nothing, comes back never
 * (see connection.js). After `close` nothing of it is heard.
 *
 * @import { ViewerControl } from "../protocol/control.js"
 * @import { ViewerMessage } from "../protocol/binary.js"
 * @import { WayEvents } from "./connection.js"
 */

import { encodeControl } from "../protocol/control.js";
import { encodeToGateway } from "../protocol/binary.js";

/** What a browser says of a connection that ended without a word. */
const ABNORMAL = 1006;

export class SocketWay {
  /** @type {WebSocket} */
  #socket;
  #isOver = false;
  /** @type {ReturnType<typeof setTimeout>} */
  #timer;
  /** When the first message came. @type {number | null} */
  heard_ms = null;

  /**
   * @param {{ url: URL, now: () => number, open_timeout_ms: number }} options
   * @param {WayEvents} events
   */
  constructor({ url, now, open_timeout_ms }, events) {
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    /** @param {number} code */
    const end = (code) => {
      if (this.#isOver) return;
      this.close();
      events.onclosed(code);
    };
    this.#timer = setTimeout(() => end(ABNORMAL), open_timeout_ms);
    socket.onopen = () => {
      if (!this.#isOver) events.onopen();
    };
    socket.onmessage = ({ data }) => {
      if (this.#isOver) return;
      if (this.heard_ms === null) {
        // Some proxies open it and let nothing through: only now it is known to work.
        clearTimeout(this.#timer);
        this.heard_ms = now();
      }
      if (typeof data === "string") events.ontext(data);
      else events.onbinary(data);
    };
    socket.onclose = ({ code }) => end(code);
  }

  get isOver() {
    return this.#isOver;
  }

  /** Bytes that the socket has not got rid of. */
  get bufferedAmount() {
    return this.#socket.bufferedAmount;
  }

  /** @param {ViewerMessage} message */
  send(message) {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(encodeToGateway(message));
  }

  /** @param {ViewerControl} message */
  sendControl(message) {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(encodeControl(message));
  }

  close() {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#socket.close();
  }
}
