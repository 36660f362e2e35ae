// @ts-check
/**
 * A WebSocket as a transport (see transport.js). Lives in the worker. It owns one socket and the
 * time limit for the first message. It drops what is sent while the socket is not open.
 *
 *   state    | event                                            | next   | effects
 *   ---------+--------------------------------------------------+--------+------------------------
 *   opening  | 1 the socket opened                              | open   | `onopen`
 *   open     | 2 the first message came                         | open   | the time limit ends;
 *            |                                                  |        | handed on
 *   open     | 3 another message came                           | open   | handed on
 *   opening, | 4 no message came for `FIRST_MESSAGE_TIMEOUT_MS` | closed | closes the socket;
 *   open     |                                                  |        | `onclosed`
 *   opening, | 5 the socket closed                              | closed | `onclosed` with its code
 *   open     |                                                  |        |
 *   any      | 6 `close`                                        | closed | closes the socket
 *
 * A test has a case for each row.
 *
 * @import { ViewerControl } from "../protocol/control.js"
 * @import { ViewerMessage } from "../protocol/binary.js"
 * @import { TransportCapabilities, TransportEvents } from "./transport.js"
 */

import { encodeToGateway } from "../protocol/binary.js";
import { encodeControl } from "../protocol/control.js";
import { ABNORMAL_CLOSURE } from "./transport.js";

/** @type {TransportCapabilities} */
const CAPABILITIES = Object.freeze({
  name: "websocket",
  carriesVideo: true,
  opensWithHello: false,
});

/**
 * A WebSocket without a message is given up after this (ms), because some proxies let it only open.
 */
export const FIRST_MESSAGE_TIMEOUT_MS = 5000;

export class WebSocketTransport {
  capabilities = CAPABILITIES;
  /** When the gateway's first message came (ms); null until then. @type {number | null} */
  firstMessage_ms = null;
  isClosed = false;
  /** @type {{ url: URL, now: () => number }} */
  #options;
  /** @type {TransportEvents} */
  #events;
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {{ url: URL, now: () => number }} options
   * @param {TransportEvents} events
   */
  constructor(options, events) {
    this.#options = options;
    this.#events = events;
  }

  /** How many bytes the browser has not handed to the network yet. */
  get bufferedAmount() {
    return this.#socket?.bufferedAmount ?? 0;
  }

  /** Opens the socket, and begins the time limit for the first message. */
  open() {
    const { url } = this.#options;
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      if (!this.isClosed) this.#events.onopen();
    };
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = ({ code }) => this.#end(code);
    this.#socket = socket;
    this.#timer = setTimeout(() => this.#end(ABNORMAL_CLOSURE), FIRST_MESSAGE_TIMEOUT_MS);
  }

  /** Drops the message if the socket is not open. @param {ViewerMessage} message */
  send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(encodeToGateway(message));
  }

  /** Drops the message if the socket is not open. @param {ViewerControl} message */
  sendControl(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(encodeControl(message));
  }

  /** Ends the transport. No event comes after it. */
  close() {
    this.isClosed = true;
    clearTimeout(this.#timer);
    this.#socket?.close();
  }

  /** @param {ArrayBuffer | string} data */
  #receive(data) {
    if (this.isClosed) return;
    if (this.firstMessage_ms === null) {
      // The time limit ends with the first message and not with `onopen`, because some proxies open
      // a WebSocket and let no message through.
      clearTimeout(this.#timer);
      this.firstMessage_ms = this.#options.now();
    }
    if (typeof data === "string") this.#events.ontext(data);
    else this.#events.onbinary(data);
  }

  /** Ends the transport, and says so. @param {number} code */
  #end(code) {
    if (this.isClosed) return;
    this.close();
    this.#events.onclosed(code);
  }
}
