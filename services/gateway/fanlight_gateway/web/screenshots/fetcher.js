// @ts-check
/**
 * Fetches screenshots and patches while they are wanted. Lives in the worker; owns the requests in
 * flight. It decides nothing: polling.js says when to fetch and in which quality, delta-chain.js in
 * which order answers are painted, throughput.js how much the network carries.
 *
 *   state   | event                                      | next    | requests
 *   --------+--------------------------------------------+---------+------------------------------
 *   stopped | 1 `start`                                  | running | one, for a full picture
 *   running | 2 a screenshot, or "unchanged" (304)       | running | more, for what changes
 *   running | 3 an answer is lost: it failed, or one     | running | aborted; one, for a full
 *           |   that it builds on never came             |         | picture
 *   running | 4 the service is busy (503)                | running | those in flight stay; the
 *           |                                            |         | next one waits
 *   running | 5 `lost`, `reconnected`                    | running | see 3
 *   running | 6 `onrefused` (401, 403)                   | running | see 3
 *   any     | 7 `stop`                                   | stopped | aborted
 *
 * The server keeps a request open until the desk changes. While answers are small, several requests
 * are in flight, so that a change does not wait until the answer before it has arrived. The picture
 * of an aborted request is dropped. A test holds this table against the code.
 *
 * @import { Settings } from "../protocol/settings.js"
 * @import { Outcome } from "./polling.js"
 * @import { Operation } from "../protocol/patch.js"
 *
 * @typedef {{ bytes: number, captured_us: number | null, stale: boolean,
 *   size: { width: number, height: number } | null }} ScreenshotInfo
 * size: the desk's size; null if the service did not say it.
 *
 * @typedef {{
 *   now: () => number,
 *   settings: () => Readonly<Settings>,
 *   base_rtt_ms: () => number,
 *   url: URL,
 *   viewer: string,
 *   onpicture: (screenshot: ScreenshotInfo & { bitmap: ImageBitmap }) => void,
 *   onpatch: (screenshot: ScreenshotInfo & { operations: Operation[] }) => Promise<void>,
 *   onunchanged: (captured_us: number | null, stale: boolean) => void,
 *   onrefused: (status: number) => void,
 * }} FetcherHost
 * onpicture: the host closes the bitmap. onpatch: rejects if the patch could not be painted.
 *
 * @typedef {ScreenshotInfo & ({ bitmap: ImageBitmap } | { operations: Operation[] })} Screenshot
 */

import { decodePatch } from "../protocol/patch.js";
import { DeltaChain } from "./delta-chain.js";
import { Polling, retryAfter } from "./polling.js";
import { Throughput } from "./throughput.js";

const PATCH_TYPE = "application/vnd.fanlight.patch";
/** The HTTP status of a service that has too much to do. It refuses before it makes a picture. */
const BUSY = 503;
/** The server may keep a request open for this long while the desk does not change (ms). */
const WAIT_MS = 20_000;
/** A request is aborted this long after the server had to answer it (ms). */
const TIMEOUT_MS = 5000;
/** At most so many requests are in flight, while answers are small. */
const MAX_IN_FLIGHT = 4;
/** An answer is small if the network carries it within this fraction of the base RTT. */
const SMALL_FRACTION = 0.5;

export class ScreenshotFetcher {
  /** @type {FetcherHost} */
  #host;
  /** @type {Polling} */
  #polling;
  #throughput = new Throughput();
  /** @type {DeltaChain<Screenshot>} */
  #chain = new DeltaChain();
  /** The number of the chain. For the service, each chain is a viewer of its own. */
  #chainNumber = 0;
  #isRunning = false;
  /** The sizes of the last two answers (bytes). */
  #bytes = [Infinity, Infinity];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {Set<AbortController>} */
  #requests = new Set();

  /** @param {FetcherHost} host */
  constructor(host) {
    this.#host = host;
    this.#polling = new Polling(host.settings());
  }

  /** The JPEG quality of the next request. */
  get quality() {
    return this.#polling.quality;
  }

  /** The sides of the next picture, as a fraction of the desk's. */
  get scale() {
    return this.#polling.scale;
  }

  /** Fetches from now on, beginning with a full picture. */
  start() {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#polling.expectChange();
    this.#beginAnew();
    this.#schedule();
  }

  /** Fetches nothing any more. */
  stop() {
    this.#isRunning = false;
    clearTimeout(this.#timer);
    this.#beginAnew();
  }

  /** Begins anew with a full picture, because what was painted is not on the canvas any more. */
  lost() {
    if (!this.#isRunning) return;
    this.#beginAnew();
    this.#schedule();
  }

  /** Begins anew after the network was away, because requests may wait on dead connections. */
  reconnected() {
    if (!this.#isRunning) return;
    this.#polling.reconnected();
    this.lost();
  }

  /** Takes over the gateway's settings. */
  reconfigure() {
    this.#polling.reconfigure(this.#host.settings());
  }

  /** Makes the next request come soon, because input was sent and the desk is going to change. */
  expectChange() {
    this.#polling.expectChange();
    if (this.#isRunning) this.#schedule();
  }

  /** Aborts all requests, and begins a new chain with a full picture. */
  #beginAnew() {
    for (const request of this.#requests) request.abort();
    this.#requests.clear();
    this.#polling.cancelled();
    this.#chain.reset();
    this.#chainNumber++;
  }

  /** Sets the timer of the next request, if one more may be in flight. */
  #schedule() {
    clearTimeout(this.#timer);
    const wait_ms = this.#polling.wait(this.#host.now(), this.#maxInFlight());
    if (wait_ms !== null) this.#timer = setTimeout(() => void this.#fetch(), wait_ms);
  }

  /** Returns how many requests may be in flight. */
  #maxInFlight() {
    if (this.#chain.tag === null) return 1;
    const { screenshot_min_interval_ms } = this.#host.settings();
    const base_rtt_ms = this.#host.base_rtt_ms();
    const { rate } = this.#throughput;
    const small_bytes = (rate * base_rtt_ms * SMALL_FRACTION) / 1000;
    // With two requests, one answer follows the other without a rest. The answers do not queue up
    // in the network, because the server paces them.
    if (rate && Math.max(...this.#bytes) > small_bytes) return Math.min(MAX_IN_FLIGHT, 2);
    // So many requests and answers are in the network during one RTT; one more waits at the server.
    const useful = 2 + Math.ceil(base_rtt_ms / screenshot_min_interval_ms);
    return Math.min(MAX_IN_FLIGHT, useful);
  }

  /** Sends one request, and acts on its outcome. */
  async #fetch() {
    const request = new AbortController();
    this.#requests.add(request);
    const started_ms = this.#host.now();
    this.#polling.started(started_ms);
    this.#schedule();
    let timedOut = false;
    const limit = setTimeout(() => {
      timedOut = true;
      request.abort();
    }, TIMEOUT_MS + WAIT_MS);
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
    // A busy service refuses a request before it makes a delta, so no delta is lost. A full picture
    // would only cost the service more.
    const isLost = outcome.status !== 200 && outcome.status !== 304 && outcome.status !== BUSY;
    if (isLost) this.#throughput.failed();
    // The service may have made a delta for the lost request that later deltas build on.
    if (isLost || (this.#chain.waiting && this.#requests.size === 0)) this.#beginAnew();
    if (this.#isRunning) this.#schedule();
  }

  /** @param {AbortController} request */
  #send(request) {
    const { tag } = this.#chain;
    const url = new URL(this.#host.url);
    url.search = new URLSearchParams({
      format: "jpeg",
      quality: String(this.#polling.quality),
      scale: String(this.#polling.scale),
      wait: String(WAIT_MS / 1000),
      delta: "1",
      viewer: `${this.#host.viewer}.${this.#chainNumber}`,
      rate: String(this.#throughput.rate),
    }).toString();
    return fetch(url, {
      signal: request.signal,
      // This module handles the ETag, because the browser's cache would turn a 304 into a 200.
      cache: "no-store",
      headers: tag ? { "If-None-Match": tag } : {},
    });
  }

  /**
   * Sends a request and paints its answer. Throws if no answer comes, if it is no screenshot, or if
   * an answer before it was lost.
   *
   * @param {AbortController} request
   * @param {number} started_ms
   * @returns {Promise<Outcome>}
   */
  async #exchange(request, started_ms) {
    const response = await this.#send(request);
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
    // The RTT and the time at the server do not depend on the picture's size, so they do not count.
    const took_ms = this.#host.now() - started_ms - this.#host.base_rtt_ms() - held_ms;
    this.#throughput.measured(body.byteLength, took_ms);
    this.#bytes = [this.#bytes[1], body.byteLength];
    const width = integer(headers.get("X-Fanlight-Width"));
    const height = integer(headers.get("X-Fanlight-Height"));
    const size = width && height ? { width, height } : null;
    const info = { bytes: body.byteLength, captured_us, stale, size };
    const type = headers.get("Content-Type") ?? "";
    const screenshot =
      type === PATCH_TYPE
        ? { ...info, operations: decodePatch(new Uint8Array(body)) }
        : { ...info, bitmap: await createImageBitmap(new Blob([body], { type })) };
    if (!this.#requests.has(request)) {
      if ("bitmap" in screenshot) screenshot.bitmap.close();
      return { status, took_ms };
    }
    const base = headers.get("X-Fanlight-Base");
    const due = this.#chain.take({ tag: headers.get("ETag") ?? "", base, content: screenshot });
    if (due === null) throw new Error("an answer was lost");
    for (const next of due) this.#paint(next);
    return { status, took_ms };
  }

  /** @param {Screenshot} screenshot */
  #paint(screenshot) {
    if ("bitmap" in screenshot) {
      this.#host.onpicture(screenshot);
      return;
    }
    this.#host.onpatch(screenshot).catch((error) => {
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
