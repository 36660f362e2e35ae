// @ts-check
/**
 * Plain HTTP as a transport (see transport.js), for networks that let no WebSocket through. Lives
 * in the worker.
 *
 * It owns two chains of requests. A GET waits at the gateway for messages (a long poll); when it is
 * answered, the next GET goes out. A POST takes the viewer's messages to the gateway. One POST is
 * in flight at a time, and messages that are sent meanwhile go into the next one. retransmission.js
 * keeps the viewer's messages until the gateway has acknowledged them.
 *
 *   state    | event                                    | next   | effects
 *   ---------+------------------------------------------+--------+---------------------------------
 *   opening  | 1 the gateway answers with a session     | open   | `onopen`, Welcome; both chains
 *            |                                          |        | begin
 *   opening  | 2 another answer, or none                | closed | `onclosed`
 *   opening, | 3 `send`, `sendControl`                  | as     | posted when it is open, and kept
 *   open     |                                          | before | until it is acknowledged
 *   open     | 4 a GET brings messages                  | open   | the new ones are handed on
 *   open     | 5 a request fails                        | open   | it is sent again after a pause,
 *            |                                          |        | with the same numbers
 *   open     | 6 the same, for more than `LOST_MS`      | closed | `onclosed`
 *   open     | 7 the gateway refuses a request          | closed | `onclosed` with its code
 *   any      | 8 `close`                                | closed | a DELETE, if there is a session
 *   any      | 9 `abandon`                              | closed |
 *
 * It drops messages of the gateway that came before (they were sent twice), and input that is too
 * old to be delivered. A test has a case for each row.
 *
 * @import { ViewerControl } from "../protocol/control.js"
 * @import { ViewerMessage } from "../protocol/binary.js"
 * @import { Answer } from "./http-request.js"
 * @import { TransportCapabilities, TransportEvents } from "./transport.js"
 *
 * @typedef {{ url: URL, now: () => number, hello: () => ViewerControl }} PlainHttpOptions
 */

import { decodeBatch } from "../protocol/batches.js";
import { ProtocolError } from "../protocol/constants.js";
import { encodeControl } from "../protocol/control.js";
import { closeCodeOf, parseJson, request } from "./http-request.js";
import { pause } from "./pause.js";
import { RetransmissionQueue } from "./retransmission.js";
import { ABNORMAL_CLOSURE } from "./transport.js";

/** @type {TransportCapabilities} */
const CAPABILITIES = Object.freeze({ name: "http", carriesVideo: false, opensWithHello: true });
/** A request without an answer is sent again after this (ms). */
const TIMEOUT_MS = 5000;
/** When requests have failed for this long, the transport ends (ms). */
export const LOST_MS = 10_000;
/** Input that is older is dropped (ms), because it was meant for another picture. */
export const INPUT_AGE_MS = 2000;
/** The first and the longest pause after a failed request (ms). It doubles with each failure. */
const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 1000;
/** How often `drain` looks whether everything is acknowledged (ms). */
const DRAIN_STEP_MS = 5;

export class PlainHttpTransport {
  capabilities = CAPABILITIES;
  /** When the gateway answered the opening request. @type {number | null} */
  firstMessage_ms = null;
  /** @type {PlainHttpOptions} */
  #options;
  /** @type {TransportEvents} */
  #events;
  #queue = new RetransmissionQueue();
  /** Aborts every request in flight when the transport ends. */
  #end = new AbortController();
  /** The URL of the session that the gateway opened; null before. @type {URL | null} */
  #session = null;
  /** Whether `#post` runs. */
  #isPosting = false;
  /** For how long the gateway keeps a GET without messages open (ms). */
  #longPoll_ms = 0;
  /** The number of the gateway's newest message. */
  #received = 0;
  /** When the first request failed after the last success (ms). @type {number | null} */
  #failed_ms = null;

  /** @param {PlainHttpOptions} options @param {TransportEvents} events */
  constructor(options, events) {
    this.#options = options;
    this.#events = events;
  }

  get isClosed() {
    return this.#end.signal.aborted;
  }

  /** 1 while a message waits for its acknowledgement, so that pointer moves wait; otherwise 0. */
  get bufferedAmount() {
    return Number(this.#isPosting || this.#queue.isWaiting);
  }

  /** Whether a key or a pointer button is down, as far as the viewer has sent it. */
  get isAnyKeyDown() {
    return this.#queue.isAnyKeyDown;
  }

  /** Asks the gateway for a session. */
  open() {
    void this.#openSession();
  }

  /** Posts the message, and keeps it until it is acknowledged. @param {ViewerMessage} message */
  send(message) {
    this.#queue.push(message, this.#options.now());
    this.#startPosting();
  }

  /** Does the same with a control message. @param {ViewerControl} message */
  sendControl(message) {
    this.#queue.pushControl(message, this.#options.now());
    this.#startPosting();
  }

  /**
   * Waits until the gateway has acknowledged everything that was sent.
   *
   * @param {number} limit_ms
   * @returns {Promise<boolean>} false if that took longer, or if the transport has ended
   */
  async drain(limit_ms) {
    const until_ms = this.#options.now() + limit_ms;
    while (!this.isClosed && this.bufferedAmount !== 0) {
      if (this.#options.now() >= until_ms) return false;
      await pause(DRAIN_STEP_MS);
    }
    return !this.isClosed;
  }

  /** Ends the transport, and tells the gateway that it may end the session. */
  close() {
    if (this.isClosed) return;
    this.abandon();
    if (this.#session === null) return;
    // Best effort: a gateway that does not get this request ends the session after a while.
    fetch(this.#session, { method: "DELETE", keepalive: true }).catch(() => undefined);
  }

  /** Ends the transport without a request, because another transport has taken the viewer over. */
  abandon() {
    this.#end.abort();
  }

  /** Opens the session, and begins both chains. Ends the transport if the gateway opens none. */
  async #openSession() {
    const { url, now, hello } = this.#options;
    const answer = await request(url, TIMEOUT_MS, this.#end.signal, encodeControl(hello()));
    if (this.isClosed) return;
    const opened = answer?.status === 200 ? parseJson(answer.body) : null;
    if (typeof opened?.session !== "string" || typeof opened.long_poll_ms !== "number") {
      this.#fail(closeCodeOf(answer));
      return;
    }
    this.#session = new URL(`${url.pathname}/${encodeURIComponent(opened.session)}`, url);
    this.#longPoll_ms = opened.long_poll_ms;
    this.firstMessage_ms = now();
    this.#events.onopen();
    this.#events.ontext(JSON.stringify({ welcome: opened.welcome }));
    this.#startPosting();
    void this.#poll(this.#session);
  }

  /** Fetches the gateway's messages until the transport ends. @param {URL} session */
  async #poll(session) {
    let failures = 0;
    while (!this.isClosed) {
      const url = new URL(session);
      url.search = `after=${this.#received}`;
      const limit_ms = this.#longPoll_ms + TIMEOUT_MS;
      const answer = await request(url, limit_ms, this.#end.signal);
      const messages = this.#messagesOf(answer);
      if (messages === null) {
        await this.#requestFailed(answer, failures++);
        continue;
      }
      failures = 0;
      const first = Number(answer?.headers.get("X-Fanlight-First"));
      messages.forEach((message, index) => {
        // A message that came before, or that has a gap before it, is dropped.
        if (this.isClosed || first + index !== this.#received + 1) return;
        this.#received++;
        this.#deliver(message);
      });
    }
  }

  /** Begins to post the queue, if it is not posted already and the session is open. */
  #startPosting() {
    if (this.#isPosting || this.isClosed || this.#session === null) return;
    this.#isPosting = true;
    void this.#post(this.#session).finally(() => (this.#isPosting = false));
  }

  /** Posts the queue until it is empty or the transport ends. @param {URL} session */
  async #post(session) {
    let failures = 0;
    await undefined; // So messages that are sent together go in one request.
    while (!this.isClosed) {
      const batch = this.#queue.batch(this.#options.now(), INPUT_AGE_MS);
      if (batch === null) return;
      const url = new URL(session);
      url.search = `first=${batch.first}`;
      const answer = await request(url, TIMEOUT_MS, this.#end.signal, batch.body);
      const pongs = this.#messagesOf(answer);
      if (pongs === null) {
        if (answer?.status === 413) {
          console.error("fanlight: a message was too large for a proxy on the path");
          this.#queue.giveUpLargest(batch.count);
        }
        await this.#requestFailed(answer, failures++);
        continue;
      }
      failures = 0;
      this.#queue.acknowledge(Number(answer?.headers.get("X-Fanlight-Handled")));
      for (const pong of pongs) this.#deliver(pong);
    }
  }

  /** @param {ArrayBuffer | string} message */
  #deliver(message) {
    if (typeof message === "string") this.#events.ontext(message);
    else this.#events.onbinary(message);
  }

  /**
   * Returns the messages of an answer; null if it is not an answer of the gateway.
   *
   * @param {Answer | null} answer
   */
  #messagesOf(answer) {
    if (answer?.status !== 200) return null;
    try {
      const messages = decodeBatch(answer.body);
      this.#failed_ms = null;
      return messages;
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return null;
    }
  }

  /**
   * Waits, so that the caller sends its request again; or ends the transport.
   *
   * @param {Answer | null} answer  null if there was none
   * @param {number} failures  how many requests of this chain failed before this one, in a row
   */
  async #requestFailed(answer, failures) {
    if (this.isClosed) return;
    // Proxies answer 502 to 504 for a gateway that is away, which may be back in a moment.
    const isFinal = answer !== null && answer.status < 500 && answer.status !== 413;
    // The limit counts from the first failure and not from the last success, because the gateway
    // may have kept a request open for longer than the limit.
    const now_ms = this.#options.now();
    this.#failed_ms ??= now_ms;
    if (isFinal) this.#fail(closeCodeOf(answer));
    else if (now_ms - this.#failed_ms > LOST_MS) this.#fail(ABNORMAL_CLOSURE);
    else await pause(Math.min(RETRY_MIN_MS * 2 ** failures, RETRY_MAX_MS));
  }

  /** Ends the transport, and says so. @param {number} code */
  #fail(code) {
    if (this.isClosed) return;
    this.abandon();
    this.#events.onclosed(code);
  }
}
