// @ts-check
/**
 * Keeps the viewer connected to the gateway, over whichever transport. Lives in the worker; owns
 * the transport in use. It hands the gateway's messages on as they come. It drops messages of a
 * transport that it has left, and messages of the viewer while it is not open.
 *
 *   state        | event                                    | next       | effects
 *   -------------+------------------------------------------+------------+------------------------
 *   any          | 1 `connect`, `connectNow`                | connecting | leaves the old one;
 *                |                                          |            | opens the next one
 *   connecting   | 2 the transport opened                   | open       | Hello; `onopen`
 *   open (HTTP)  | 3 upgrade.js has a WebSocket             | open       | Hello; `onopen(true)`
 *   connecting,  | 4 a WebSocket closed, and plain HTTP is  | connecting | opens plain HTTP at once
 *   open         |   next (selection.js)                    |            |
 *   connecting,  | 5 the transport closed otherwise         | waiting    | sets the retry timer
 *   open         |                                          |            |
 *   open         | 6 `silent`                               | waiting    | the same
 *   waiting      | 7 the retry timer                        | connecting | see 1
 *   any          | 8 closed with a final code; `close`      | closed     | leaves the transport
 *
 * retry-wait.js decides how long 5 and 6 wait, and which codes are final. Every change of the state
 * calls `onchange`. A test holds this table against the code.
 *
 * @import { ViewerControl } from "../protocol/control.js"
 * @import { ViewerMessage } from "../protocol/binary.js"
 * @import { Transport, TransportCapabilities, TransportEvents } from "./transport.js"
 *
 * @typedef {"connecting" | "open" | "waiting" | "closed"} ConnectionState
 *
 * @typedef {{
 *   webSocketUrl: URL,
 *   httpUrl: URL,
 *   now: () => number,
 *   hello: (carriesVideo: boolean) => ViewerControl,
 *   expectsPicture: () => boolean,
 *   onopen: (isContinued: boolean) => void,
 *   onbinary: (data: ArrayBuffer) => void,
 *   ontext: (text: string) => void,
 *   onchange: () => void,
 * }} ConnectionHost
 *
 * hello: returns the viewer's first message. expectsPicture: whether a WebSocket that shows no
 * picture has failed. onopen: Hello was sent. isContinued: this transport goes on where another one
 * ended, and no message of the viewer was lost.
 */

import { PlainHttpTransport } from "./plain-http.js";
import { FIRST_FINAL_CODE, RetryWait } from "./retry-wait.js";
import { PROVEN_MS, TransportSelection } from "./selection.js";
import { ABNORMAL_CLOSURE } from "./transport.js";
import { WebSocketUpgrade } from "./upgrade.js";
import { WebSocketTransport } from "./websocket.js";

export class Connection {
  /** @type {ConnectionHost} */
  #host;
  #retryWait = new RetryWait();
  #selection = new TransportSelection();
  /** @type {WebSocketUpgrade} */
  #upgrade;
  /** @type {Transport | null} */
  #transport = null;
  /** What the transport that opened last can do. @type {TransportCapabilities | null} */
  #capabilities = null;
  /** Whether a picture was painted since the transport opened. */
  #hasPainted = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retryTimer;
  /** When the retry timer ends (ms). @type {number | null} */
  #retryAt_ms = null;
  /** @type {ConnectionState} */
  state = "connecting";
  /** Why the last transport closed, if the state is `waiting` or `closed`. @type {number | null} */
  closeCode = null;
  /** When the last message came, or a transport opened (ms). */
  lastMessage_ms = -Infinity;

  /** @param {ConnectionHost} host */
  constructor(host) {
    this.#host = host;
    this.#upgrade = new WebSocketUpgrade({
      now: host.now,
      waitBeforeTry: () => this.#selection.waitBeforeTry(),
      makeWebSocket: (events) => this.#makeWebSocket(events),
      onupgrade: (webSocket) => {
        this.#transport = webSocket;
        this.#selection.upgraded();
        this.#opened(webSocket, true);
      },
      ontext: (text) => this.#text(text),
      onbinary: (data) => this.#binary(data),
      onclosed: (webSocket, code) => this.#transportClosed(webSocket, code),
    });
  }

  /** 0 while a message that is sent now leaves at once. */
  get bufferedAmount() {
    return this.#upgrade.isDraining ? 0 : (this.#transport?.bufferedAmount ?? 0);
  }

  /** The time until the next try (ms). @returns {number | null} null if no try is due */
  get retry_in_ms() {
    return this.#retryAt_ms === null ? null : Math.max(0, this.#retryAt_ms - this.#host.now());
  }

  /** Whether the transport that opened last carries video. Before one has opened: true. */
  get carriesVideo() {
    return this.#capabilities?.carriesVideo ?? true;
  }

  /** The name of the transport that opened last. Before one has opened: "websocket". */
  get transportName() {
    return this.#capabilities?.name ?? "websocket";
  }

  /** Connects now. Called at the start, and when the retry timer ends. */
  connect() {
    this.#leave();
    this.#become("connecting", null);
    this.#open();
  }

  /** Connects now, because a person asked or the network is back. The waits begin anew. */
  connectNow() {
    this.#retryWait.reset();
    this.connect();
  }

  /**
   * Leaves the transport, because nothing comes over it although something should: the device is in
   * a tunnel, or slept. A new connection is faster than this one, on which TCP waits longer and
   * longer before it sends again. The silence does not count as a failure of WebSockets.
   */
  silent() {
    this.#closed(ABNORMAL_CLOSURE);
  }

  /** Notes that a picture was painted, which shows that this gateway works. */
  painted() {
    if (this.state !== "open") return;
    this.#hasPainted = true;
    this.#retryWait.reset();
    const transport = this.#transport;
    if (transport?.capabilities.name !== "websocket" || transport.firstMessage_ms === null) return;
    if (this.#host.now() - transport.firstMessage_ms >= PROVEN_MS) {
      this.#selection.webSocketWorks();
    }
  }

  /** Leaves the gateway for good. @param {number} [code]  what `closeCode` is afterwards */
  close(code = 1000) {
    this.#leave();
    this.#become("closed", code);
  }

  /** Drops the message if the connection is not open. @param {ViewerMessage} message */
  send(message) {
    this.#sendBy((transport) => transport.send(message));
  }

  /** Drops the message if the connection is not open. @param {ViewerControl} message */
  sendControl(message) {
    this.#sendBy((transport) => transport.sendControl(message));
  }

  /** @param {(transport: Transport) => void} send */
  #sendBy(send) {
    if (this.#upgrade.isDraining) this.#upgrade.postpone(send);
    else if (this.#transport && this.state === "open") send(this.#transport);
  }

  /** @param {string} text */
  #text(text) {
    this.lastMessage_ms = this.#host.now();
    this.#host.ontext(text);
  }

  /** @param {ArrayBuffer} data */
  #binary(data) {
    this.lastMessage_ms = this.#host.now();
    this.#host.onbinary(data);
  }

  #open() {
    /** @type {TransportEvents} */
    const events = {
      ontext: (text) => this.#text(text),
      onbinary: (data) => this.#binary(data),
      onopen: () => this.#opened(transport, false),
      onclosed: (code) => this.#transportClosed(transport, code),
    };
    const transport = this.#selection.usesPlainHttp
      ? this.#makePlainHttp(events)
      : this.#makeWebSocket(events);
    this.#transport = transport;
    transport.open();
  }

  /** @param {TransportEvents} events */
  #makeWebSocket(events) {
    const { webSocketUrl: url, now } = this.#host;
    return new WebSocketTransport({ url, now }, events);
  }

  /** @param {TransportEvents} events */
  #makePlainHttp(events) {
    const { httpUrl: url, now, hello } = this.#host;
    const onopen = () => {
      events.onopen();
      if (transport === this.#transport) this.#upgrade.start(transport);
    };
    const options = { url, now, hello: () => hello(false) };
    const transport = new PlainHttpTransport(options, { ...events, onopen });
    return transport;
  }

  /** @param {Transport} transport @param {boolean} isContinued */
  #opened(transport, isContinued) {
    const { capabilities } = transport;
    this.#capabilities = capabilities;
    this.lastMessage_ms = this.#host.now();
    this.#hasPainted = false;
    if (!capabilities.opensWithHello) {
      transport.sendControl(this.#host.hello(capabilities.carriesVideo));
    }
    this.#become("open", null);
    this.#host.onopen(isContinued);
  }

  /** @param {Transport} transport @param {number} code */
  #transportClosed({ capabilities, firstMessage_ms }, code) {
    const { now, expectsPicture } = this.#host;
    if (capabilities.name === "websocket") {
      const lived_ms = firstMessage_ms === null ? null : now() - firstMessage_ms;
      const painted = this.#hasPainted || !expectsPicture();
      this.#selection.webSocketEnded({ code, lived_ms, painted });
      if (this.#selection.usesPlainHttp && code < FIRST_FINAL_CODE) {
        this.connect();
        return;
      }
    } else if (firstMessage_ms === null && code === ABNORMAL_CLOSURE) {
      this.#selection.plainHttpFailed();
    }
    this.#closed(code);
  }

  /** @param {number} code */
  #closed(code) {
    this.#leave();
    const wait_ms = this.#retryWait.closed(code);
    if (wait_ms === null) {
      this.#become("closed", code);
      return;
    }
    this.#retryAt_ms = this.#host.now() + wait_ms;
    this.#retryTimer = setTimeout(() => this.connect(), wait_ms);
    this.#become("waiting", code);
  }

  #leave() {
    clearTimeout(this.#retryTimer);
    this.#retryAt_ms = null;
    const transport = this.#transport;
    this.#transport = null;
    this.#upgrade.stop();
    transport?.close();
  }

  /** @param {ConnectionState} state @param {number | null} code */
  #become(state, code) {
    this.state = state;
    this.closeCode = code;
    this.#host.onchange();
  }
}
