// @ts-check
/**
 * Shows a coarse screenshot until the first picture of the video comes. Lives in the worker; owns
 * the request, if it makes one.
 *
 * Either the page has asked for the screenshot already and brings it (`bring`), or this module asks
 * for it. It drops the screenshot if another picture was painted before it.
 *
 * @import { FirstScreenshot } from "../screenshots/first-screenshot.js"
 * @import { PictureStatistics } from "../measure/picture-statistics.js"
 * @import { Painter } from "../painting/painter.js"
 * @import { Size } from "../painting/drawing.js"
 *
 * @typedef {{
 *   url: URL,
 *   isBrought: boolean,
 *   painter: Painter,
 *   statistics: PictureStatistics,
 *   now: () => number,
 *   deskSize: () => Size | null,
 *   onpainted: (captured_us: number | null, at_ms: number) => void,
 * }} FirstPictureHost
 * url: the URL of the desk's screenshots. isBrought: whether the page brings the screenshot.
 * deskSize: null while it is not known.
 */

import { fetchFirstScreenshot } from "../screenshots/first-screenshot.js";

export class FirstPicture {
  /** @type {FirstPictureHost} */
  #host;
  #abort = new AbortController();
  /** @type {Promise<FirstScreenshot | null>} */
  #brought;
  /** @type {(screenshot: FirstScreenshot | null) => void} */
  #bring = () => {};

  /** @param {FirstPictureHost} host */
  constructor(host) {
    this.#host = host;
    this.#brought = new Promise((resolve) => (this.#bring = resolve));
  }

  /**
   * Takes the screenshot that the page asked for; null if it got none.
   *
   * @param {FirstScreenshot | null} screenshot
   */
  bring(screenshot) {
    this.#bring(screenshot);
  }

  /** Waits for the screenshot, and paints it if nothing was painted before it. */
  async paint() {
    const { url, isBrought, painter, statistics, now, deskSize, onpainted } = this.#host;
    const place = painter.expect();
    const { signal } = this.#abort;
    const screenshot = await (isBrought ? this.#brought : fetchFirstScreenshot(url, { signal }));
    if (screenshot === null) {
      painter.abandon(place);
      return;
    }
    const { bitmap, bytes, captured_us, stale } = screenshot;
    const source = { width: bitmap.width, height: bitmap.height };
    const listener = {
      isWanted: () => !signal.aborted && !statistics.hasPainted,
      onpainted: (/** @type {number} */ at_ms) => onpainted(captured_us, at_ms),
    };
    statistics.screenshot(bytes, stale && !statistics.hasPainted, now());
    painter.paintPicture(bitmap, source, deskSize() ?? source, listener, place);
  }

  /** Gives the screenshot up: it is not painted any more. */
  stop() {
    this.#abort.abort();
  }
}
