// @ts-check
/**
 * Shows a coarse screenshot until the first picture of the video comes. Lives in the worker.
 *
 * The page has asked for the screenshot already, and brings it (`bring`), or this asks for it. The
 * screenshot is dropped if another picture was painted before it.
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
 * url: of the desk's screenshots. isBrought: the page brings it.
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
   * What the page has asked for; null: there is none.
   *
   * @param {FirstScreenshot | null} screenshot
   */
  bring(screenshot) {
    this.#bring(screenshot);
  }

  /** Paints the screenshot when it comes, if it comes first. */
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

  /** The screenshot is not wanted any more. */
  stop() {
    this.#abort.abort();
  }
}
