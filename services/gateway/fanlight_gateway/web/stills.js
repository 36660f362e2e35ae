// @ts-check
/**
 * Fetches still pictures while they are wanted. Lives in the worker; decides nothing (see
 * polling.js). One request in flight, abandoned past its time limit, or when stills are not wanted
 * any more; a picture of an abandoned request is dropped.
 *
 * @import { Settings } from "./settings.js"
 * @import { Outcome } from "./polling.js"
 *
 * @typedef {{
 *   now: () => number,
 *   settings: () => Readonly<Settings>,
 *   base_rtt_ms: () => number,
 *   url: URL,
 *   onstill: (still: { bitmap: ImageBitmap, bytes: number, captured_us: number | null,
 *     stale: boolean }) => void,
 *   onunchanged: (captured_us: number | null, stale: boolean) => void,
 *   onrefused: (status: number) => void,
 * }} StillsHost
 */

import { Polling, retryAfter } from "./polling.js";

export class Stills {
  /** @type {StillsHost} */
  #host;
  /** @type {Polling} */
  #polling;
  #running = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {AbortController | null} */
  #request = null;
  /** Of the picture that is on the canvas; video paints over it. @type {string | null} */
  #etag = null;

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
    this.#etag = null;
    this.#polling.poke();
    this.#schedule();
  }

  stop() {
    this.#running = false;
    clearTimeout(this.#timer);
    this.#request?.abort();
    this.#request = null;
    this.#polling.cancelled();
  }

  reconfigure() {
    this.#polling.reconfigure(this.#host.settings());
  }

  /** Something will change soon (input went out): do not sit out a long interval. */
  poke() {
    this.#polling.poke();
    if (this.#running) this.#schedule();
  }

  #schedule() {
    clearTimeout(this.#timer);
    const wait_ms = this.#polling.wait(this.#host.now());
    if (wait_ms !== null) this.#timer = setTimeout(() => void this.#fetch(), wait_ms);
  }

  async #fetch() {
    const request = new AbortController();
    this.#request = request;
    const started_ms = this.#host.now();
    this.#polling.started(started_ms);
    let timedOut = false;
    const limit = setTimeout(() => {
      timedOut = true;
      request.abort();
    }, this.#host.settings().screenshot_timeout_ms);
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
    if (request !== this.#request) return;
    this.#request = null;
    this.#polling.finished(outcome, this.#host.now());
    if (this.#running) this.#schedule();
  }

  /**
   * @param {AbortController} request
   * @param {number} started_ms
   * @returns {Promise<Outcome>}
   */
  async #exchange(request, started_ms) {
    const url = new URL(this.#host.url);
    url.search = new URLSearchParams({
      format: "jpeg",
      quality: String(this.#polling.quality),
      scale: String(this.#polling.scale),
      cursor: "0",
    }).toString();
    const response = await fetch(url, {
      signal: request.signal,
      // The ETag is handled here: the browser's own cache would answer 200 for a 304.
      cache: "no-store",
      headers: this.#etag ? { "If-None-Match": this.#etag } : {},
    });
    const { status } = response;
    const captured_us = microseconds(response.headers.get("X-Fanlight-Captured-Us"));
    const stale = response.headers.get("X-Fanlight-Stale") === "1";
    if (status === 304) {
      this.#host.onunchanged(captured_us, stale);
      return { status, took_ms: 0 };
    }
    if (!response.ok) {
      if (status === 401 || status === 403) this.#host.onrefused(status);
      return {
        status,
        took_ms: 0,
        retry_after_ms: retryAfter(response.headers.get("Retry-After"), Date.now()),
      };
    }
    const blob = await response.blob();
    // The way there and back is no fault of the picture's size.
    const took_ms = this.#host.now() - started_ms - this.#host.base_rtt_ms();
    const bitmap = await createImageBitmap(blob);
    if (request !== this.#request) {
      bitmap.close();
    } else {
      this.#etag = response.headers.get("ETag");
      this.#host.onstill({ bitmap, bytes: blob.size, captured_us, stale }); // who closes it
    }
    return { status: 200, took_ms };
  }
}

/** @param {string | null} header */
function microseconds(header) {
  const value = header === null ? NaN : Number(header);
  return Number.isSafeInteger(value) ? value : null;
}
