// @ts-check
/**
 * Fetches still pictures and patches while they are wanted. Lives in the worker; decides nothing:
 * polling.js says when and how good, delta-chain.js in which order, throughput.js what the link carries.
 *
 * The server holds a request until there is something new. While answers are small, several requests
 * are in flight, so that a change never waits for the one before it to make its trip. Where an
 * answer is lost, all is asked for anew; where the service is busy, less is asked. A picture of an
 * abandoned request is dropped.
 *
 * @import { Settings } from "../protocol/settings.js"
 * @import { Outcome } from "./polling.js"
 * @import { Operation } from "../protocol/patch.js"
 *
 * @typedef {{ bytes: number, captured_us: number | null, stale: boolean,
 *   size: { width: number, height: number } | null }} StillInfo
 *
 * @typedef {{
 *   now: () => number,
 *   settings: () => Readonly<Settings>,
 *   base_rtt_ms: () => number,
 *   url: URL,
 *   viewer: string,
 *   onstill: (still: StillInfo & { bitmap: ImageBitmap }) => void,
 *   onpatch: (still: StillInfo & { operations: Operation[] }) => Promise<void>,
 *   onunchanged: (captured_us: number | null, stale: boolean) => void,
 *   onrefused: (status: number) => void,
 * }} StillsHost
 *
 * @typedef {StillInfo & ({ bitmap: ImageBitmap } | { operations: Operation[] })} Still
 */

import { Chain } from "./delta-chain.js";
import { decodePatch } from "../protocol/patch.js";
import { Polling, retryAfter } from "./polling.js";
import { Throughput } from "./throughput.js";

const PATCH = "application/vnd.fanlight.patch";
/** The status of a service that has too much to do. */
const BUSY = 503;

export class Stills {
  /** @type {StillsHost} */
  #host;
  /** @type {Polling} */
  #polling;
  #throughput = new Throughput();
  /** @type {Chain<Still>} */
  #chain = new Chain();
  /** Grows where the chain begins anew. */
  #beginning = 0;
  #running = false;
  /** Bytes of the largest of the last two answers; small ones may fly together. */
  #bytes = [Infinity, Infinity];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {Set<AbortController>} */
  #requests = new Set();

  /** @param {StillsHost} host */
  constructor(host) {
    this.#host = host;
    this.#polling = new Polling(host.settings());
  }

  get quality() {
    return this.#polling.quality;
  }

  get scale() {
    return this.#polling.scale;
  }

  start() {
    if (this.#running) return;
    this.#running = true;
    this.#polling.poke();
    this.#anew();
    this.#schedule();
  }

  stop() {
    this.#running = false;
    clearTimeout(this.#timer);
    this.#anew();
  }

  /** What was painted is not on the canvas any more. */
  lost() {
    if (!this.#running) return;
    this.#anew();
    this.#schedule();
  }

  /** The network was away: what is in flight may hang on connections that are dead. */
  reconnected() {
    if (!this.#running) return;
    this.#polling.reconnected();
    this.lost();
  }

  reconfigure() {
    this.#polling.reconfigure(this.#host.settings());
  }

  /** Something will change soon (input went out): do not sit out a long interval. */
  poke() {
    this.#polling.poke();
    if (this.#running) this.#schedule();
  }

  /** All that is in flight is of no use. */
  #anew() {
    for (const request of this.#requests) request.abort();
    this.#requests.clear();
    this.#polling.cancelled();
    this.#chain.reset();
    this.#beginning++;
  }

  #schedule() {
    clearTimeout(this.#timer);
    const wait_ms = this.#polling.wait(this.#host.now(), this.#most());
    if (wait_ms !== null) this.#timer = setTimeout(() => void this.#fetch(), wait_ms);
  }

  /** How many requests may be in flight. */
  #most() {
    if (this.#chain.tag === null) return 1;
    const { screenshot_in_flight, screenshot_min_interval_ms, screenshot_small_share } =
      this.#host.settings();
    const base_rtt_ms = this.#host.base_rtt_ms();
    const { rate } = this.#throughput;
    const small = (rate * base_rtt_ms * screenshot_small_share) / 1000;
    // Two: the server paces its answers, so the link never rests and nothing queues in it.
    if (rate && Math.max(...this.#bytes) > small) return Math.min(screenshot_in_flight, 2);
    // So many are on their way there and back, and one more is held.
    const useful = 2 + Math.ceil(base_rtt_ms / screenshot_min_interval_ms);
    return Math.min(screenshot_in_flight, useful);
  }

  async #fetch() {
    const request = new AbortController();
    this.#requests.add(request);
    const started_ms = this.#host.now();
    const settings = this.#host.settings();
    this.#polling.started(started_ms);
    this.#schedule();
    let timedOut = false;
    const limit = setTimeout(() => {
      timedOut = true;
      request.abort();
    }, settings.screenshot_timeout_ms + settings.screenshot_wait_ms);
    /** @type {Outcome} */
    let outcome;
    try {
      outcome = await this.#exchange(request, started_ms);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      outcome = { status: timedOut ? "timeout" : "network" };
    } finally {
      clearTimeout(limit);
    }
    if (!this.#requests.delete(request)) return;
    this.#polling.finished(outcome, this.#host.now());
    // Busy is said before an answer is made: nothing is lost, and asking anew would cost more.
    const isLost = outcome.status !== 200 && outcome.status !== 304 && outcome.status !== BUSY;
    if (isLost) this.#throughput.failed();
    // An answer may have been made for it that others build on.
    if (isLost || (this.#chain.waiting && this.#requests.size === 0)) this.#anew();
    if (this.#running) this.#schedule();
  }

  /** @param {AbortController} request */
  #ask(request) {
    const { tag } = this.#chain;
    const url = new URL(this.#host.url);
    url.search = new URLSearchParams({
      format: "jpeg",
      quality: String(this.#polling.quality),
      scale: String(this.#polling.scale),
      wait: String(this.#host.settings().screenshot_wait_ms / 1000),
      delta: "1",
      viewer: `${this.#host.viewer}.${this.#beginning}`,
      rate: String(this.#throughput.rate),
    }).toString();
    return fetch(url, {
      signal: request.signal,
      // The ETag is handled here: the browser's own cache would answer 200 for a 304.
      cache: "no-store",
      headers: tag ? { "If-None-Match": tag } : {},
    });
  }

  /**
   * @param {AbortController} request
   * @param {number} started_ms
   * @returns {Promise<Outcome>}
   */
  async #exchange(request, started_ms) {
    const response = await this.#ask(request);
    const { status, headers } = response;
    const captured_us = integer(headers.get("X-Fanlight-Captured-Us"));
    const held_ms = integer(headers.get("X-Fanlight-Held-Ms")) ?? 0;
    const stale = headers.get("X-Fanlight-Stale") === "1";
    if (status === 304) {
      this.#host.onunchanged(captured_us, stale);
      return { status, took_ms: 0, held_ms };
    }
    if (!response.ok) {
      if (status === 401 || status === 403) this.#host.onrefused(status);
      const retry_after_ms = retryAfter(headers.get("Retry-After"), Date.now());
      return { status, took_ms: 0, retry_after_ms };
    }
    const body = await response.arrayBuffer();
    // The way there and back, and waiting for news, are no fault of the picture's size.
    const took_ms = this.#host.now() - started_ms - this.#host.base_rtt_ms() - held_ms;
    this.#throughput.measured(body.byteLength, took_ms);
    this.#bytes = [this.#bytes[1], body.byteLength];
    const width = integer(headers.get("X-Fanlight-Width"));
    const height = integer(headers.get("X-Fanlight-Height"));
    const size = width && height ? { width, height } : null;
    const info = { bytes: body.byteLength, captured_us, stale, size };
    const type = headers.get("Content-Type") ?? "";
    const still =
      type === PATCH
        ? { ...info, operations: decodePatch(new Uint8Array(body)) }
        : { ...info, bitmap: await createImageBitmap(new Blob([body], { type })) };
    if (!this.#requests.has(request)) {
      if ("bitmap" in still) still.bitmap.close();
      return { status, took_ms };
    }
    const base = headers.get("X-Fanlight-Base");
    const due = this.#chain.take({ tag: headers.get("ETag") ?? "", base, content: still });
    if (due === null) throw new Error("an answer was lost");
    for (const next of due) this.#show(next);
    return { status, took_ms };
  }

  /** @param {Still} still */
  #show(still) {
    if ("bitmap" in still) {
      this.#host.onstill(still);
      return;
    }
    this.#host.onpatch(still).catch((error) => {
      console.error(`fanlight: a patch could not be painted: ${error}`);
      this.lost();
    });
  }
}

/** @param {string | null} header */
function integer(header) {
  const value = header === null ? NaN : Number(header);
  return Number.isSafeInteger(value) ? value : null;
}
