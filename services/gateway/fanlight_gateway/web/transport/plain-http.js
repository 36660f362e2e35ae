// @ts-check
/**
 * The way to the gateway where no WebSocket comes through: one request that waits for messages, one
 * that brings ours. Lives in the worker; what is sent again is decided in retransmission.js.
 *
 * One POST in flight: what comes meanwhile goes into the next. A request that failed is made again,
 * with the same numbers, until requests have failed for `http_lost_ms`; then this way is over, and
 * connection.js decides what is next. After `close` or `abandon` nothing of it is heard.
 *
 * @import { Settings } from "../protocol/settings.js"
 * @import { ViewerControl } from "../protocol/control.js"
 * @import { ViewerMessage } from "../protocol/binary.js"
 * @import { WayEvents } from "./connection.js"
 *
 * @typedef {{ url: URL, now: () => number, settings: () => Readonly<Settings>,
 *   hello: () => ViewerControl }} HttpWayOptions
 */

import { decodeBatch } from "../protocol/batches.js";
import { encodeControl } from "../protocol/control.js";
import { CloseCode, ProtocolError } from "../protocol/binary.js";
import { Uplink } from "./retransmission.js";

const ABNORMAL = 1006;
const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 1000;
const DRAIN_STEP_MS = 5;

export class HttpWay {
  /** @type {HttpWayOptions} */
  #options;
  /** @type {WayEvents} */
  #events;
  #uplink = new Uplink();
  #end = new AbortController();
  /** @type {URL | null} */
  #session = null;
  #isPosting = false;
  #hold_ms = 0;
  #after = 0;
  /** The first failure since anything was heard. @type {number | null} */
  #failed_ms = null;

  /** @param {HttpWayOptions} options @param {WayEvents} events */
  constructor(options, events) {
    this.#options = options;
    this.#events = events;
    void this.#open();
  }

  get isOver() {
    return this.#end.signal.aborted;
  }

  get isOpen() {
    return this.#session !== null;
  }

  /** Not 0 while a request is under way: moves wait for it, see outbox.js. */
  get bufferedAmount() {
    return Number(this.#isPosting || this.#uplink.waiting);
  }

  /** Whether a key or button is down. */
  get held() {
    return this.#uplink.held;
  }

  /** @param {ViewerMessage} message */
  send(message) {
    this.#uplink.push(message, this.#options.now());
    this.#kick();
  }

  /** @param {ViewerControl} message */
  sendControl(message) {
    this.#uplink.control(message, this.#options.now());
    this.#kick();
  }

  /** Until the gateway has all that was sent; false: not within the limit. @param {number} limit_ms */
  async drain(limit_ms) {
    const until_ms = this.#options.now() + limit_ms;
    while (!this.isOver && this.bufferedAmount !== 0) {
      if (this.#options.now() >= until_ms) return false;
      await pause(DRAIN_STEP_MS);
    }
    return !this.isOver;
  }

  /** Leave; the gateway need not wait for us. */
  close() {
    if (this.isOver) return;
    this.abandon();
    if (this.#session === null) return;
    // Best effort: a gateway that does not hear of it ends the session after a while.
    fetch(this.#session, { method: "DELETE", keepalive: true }).catch(() => undefined);
  }

  /** Another way has taken over. */
  abandon() {
    this.#end.abort();
  }

  async #open() {
    const { url, settings, hello } = this.#options;
    const answer = await this.#request(url, settings().http_timeout_ms, encodeControl(hello()));
    if (this.isOver) return;
    const opened = answer?.status === 200 ? parse(answer.body) : null;
    if (typeof opened?.session !== "string" || typeof opened.hold_ms !== "number") {
      this.#over(answer === null ? ABNORMAL : codeOf(answer));
      return;
    }
    this.#session = new URL(`${url.pathname}/${encodeURIComponent(opened.session)}`, url);
    this.#hold_ms = opened.hold_ms;
    this.#events.onopen();
    this.#events.ontext(JSON.stringify({ welcome: opened.welcome }));
    this.#kick();
    void this.#poll(this.#session);
  }

  /** @param {URL} session */
  async #poll(session) {
    let failures = 0;
    while (!this.isOver) {
      const url = new URL(session);
      url.search = `after=${this.#after}`;
      const limit_ms = this.#hold_ms + this.#options.settings().http_timeout_ms;
      const answer = await this.#request(url, limit_ms);
      const messages = this.#messages(answer);
      if (messages === null) {
        await this.#failed(answer, failures++);
        continue;
      }
      failures = 0;
      const first = Number(answer?.headers.get("X-Fanlight-First"));
      messages.forEach((message, index) => {
        if (this.isOver || first + index !== this.#after + 1) return;
        this.#after++;
        this.#deliver(message);
      });
    }
  }

  #kick() {
    if (this.#isPosting || this.isOver || this.#session === null) return;
    this.#isPosting = true;
    void this.#post(this.#session).finally(() => (this.#isPosting = false));
  }

  /** @param {URL} session */
  async #post(session) {
    let failures = 0;
    await undefined; // what is sent in one go goes in one request
    while (!this.isOver) {
      const { http_timeout_ms, http_input_age_ms } = this.#options.settings();
      const batch = this.#uplink.batch(this.#options.now(), http_input_age_ms);
      if (batch === null) return;
      const url = new URL(session);
      url.search = `first=${batch.first}`;
      const answer = await this.#request(url, http_timeout_ms, batch.body);
      const pongs = this.#messages(answer);
      if (pongs === null) {
        if (answer?.status === 413) {
          console.error("fanlight: a message was too large for a proxy on the way");
          this.#uplink.giveUpLargest(batch.count);
        }
        await this.#failed(answer, failures++);
        continue;
      }
      failures = 0;
      this.#uplink.acknowledge(Number(answer?.headers.get("X-Fanlight-Handled")));
      for (const pong of pongs) this.#deliver(pong);
    }
  }

  /** @param {ArrayBuffer | string} message */
  #deliver(message) {
    if (typeof message === "string") this.#events.ontext(message);
    else this.#events.onbinary(message);
  }

  /** What an answer brings; null: it is none of the gateway's. @param {Answer | null} answer */
  #messages(answer) {
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
   * No answer, or a bad one: again after a while, or over.
   *
   * @param {Answer | null} answer
   * @param {number} failures  before this one
   */
  async #failed(answer, failures) {
    if (this.isOver) return;
    // Proxies answer 502 to 504 for a gateway that does not; it may be back in a moment.
    const isFinal = answer !== null && answer.status < 500 && answer.status !== 413;
    // Not from the last contact: a request may have been held for longer than that.
    const now_ms = this.#options.now();
    this.#failed_ms ??= now_ms;
    const lost = now_ms - this.#failed_ms > this.#options.settings().http_lost_ms;
    if (isFinal || lost) {
      this.#over(isFinal ? codeOf(answer) : ABNORMAL);
      return;
    }
    await pause(Math.min(RETRY_MIN_MS * 2 ** failures, RETRY_MAX_MS));
  }

  /** @param {number} code */
  #over(code) {
    if (this.isOver) return;
    this.abandon();
    this.#events.onclosed(code);
  }

  /**
   * An answer, read whole; null: none came in time.
   *
   * @param {URL} url
   * @param {number} limit_ms
   * @param {ArrayBuffer | string} [body]
   * @returns {Promise<Answer | null>}
   */
  async #request(url, limit_ms, body) {
    const given = new AbortController();
    const giveUp = () => given.abort();
    const timer = setTimeout(giveUp, limit_ms);
    this.#end.signal.addEventListener("abort", giveUp);
    try {
      const response = await fetch(url, {
        method: body === undefined ? "GET" : "POST",
        body,
        cache: "no-store",
        signal: given.signal,
      });
      const { status, headers } = response;
      return { status, headers, body: await response.arrayBuffer() };
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      return null;
    } finally {
      clearTimeout(timer);
      this.#end.signal.removeEventListener("abort", giveUp);
    }
  }
}

/** @typedef {{ status: number, headers: Headers, body: ArrayBuffer }} Answer */

/** The close code that the answer stands for. @param {Answer} answer */
function codeOf(answer) {
  const told = parse(answer.body);
  if (typeof told?.code === "number") return told.code;
  // A proxy's own page is not the gateway's word.
  if (typeof told?.error !== "string") return ABNORMAL;
  if (answer.status === 401) return CloseCode.UNAUTHORIZED;
  return answer.status === 403 ? CloseCode.FORBIDDEN : ABNORMAL;
}

/** @param {ArrayBuffer} body @returns {any} */
function parse(body) {
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch {
    return null;
  }
}

/** @param {number} ms @returns {Promise<void>} */
function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
