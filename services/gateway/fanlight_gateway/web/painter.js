// @ts-check
/**
 * The canvas: video and stills are drawn onto the same one, so changing between them never
 * blinks. Lives in the worker.
 *
 * A picture is drawn as soon as it is there: the browser shows what is on the canvas at its next
 * refresh, and waiting for that here would only make it one refresh later. What it drops: a decoded
 * picture that waits for the one before it to be copied, when a newer one comes. It closes every
 * VideoFrame that `show` was given.
 *
 * @typedef {{ width: number, height: number }} Size
 * @typedef {{ frame: VideoFrame, size: Size, isWanted: () => boolean, drawn: () => void }} Shown
 */

import { PaintWay } from "./paintway.js";

export class Painter {
  /** @type {OffscreenCanvas} */
  #canvas;
  /** @type {OffscreenCanvasRenderingContext2D} */
  #context;
  #way = new PaintWay();
  /** RGBX pixels of the last picture that was copied. @type {ImageData | null} */
  #pixels = null;
  #copying = false;
  /** Comes after the one that is being copied. @type {Shown | null} */
  #next = null;
  /** Pictures really drawn. */
  painted = 0;

  /** @param {OffscreenCanvas} canvas */
  constructor(canvas) {
    const context = canvas.getContext("2d", { alpha: false });
    if (!context) throw new Error("no 2d context");
    this.#canvas = canvas;
    this.#context = context;
  }

  get width() {
    return this.painted ? this.#canvas.width : 0;
  }

  get height() {
    return this.painted ? this.#canvas.height : 0;
  }

  /**
   * Draws the top left width x height of a picture (a coded picture may be a row or a column larger
   * than the desk), enlarged where it was sent in a smaller scale.
   *
   * @param {VideoFrame | ImageBitmap} picture
   * @param {Size} source
   * @param {Size} size
   */
  draw(picture, source, size = source) {
    this.#resize(size);
    const { width, height } = source;
    this.#context.drawImage(picture, 0, 0, width, height, 0, 0, size.width, size.height);
    this.painted++;
  }

  /**
   * Shows a decoded picture, at once or a little later. `drawn` is called when it is on the canvas,
   * which it never is where `isWanted` says no or a newer picture overtakes it.
   *
   * @param {VideoFrame} frame
   * @param {Size} size
   * @param {() => boolean} isWanted
   * @param {() => void} drawn
   */
  show(frame, size, isWanted, drawn) {
    const shown = { frame, size, isWanted, drawn };
    if (this.#copying) {
      this.#next?.frame.close();
      this.#next = shown;
    } else if (isCopyable(frame, size) && this.#way.copies) {
      void this.#copy(shown);
    } else {
      this.#drawNow(shown);
    }
  }

  /** @param {Shown} shown */
  #drawNow({ frame, size, isWanted, drawn }) {
    try {
      if (!isWanted()) return;
      const began_ms = performance.now();
      this.draw(frame, size);
      this.#way.drew(performance.now() - began_ms);
    } finally {
      frame.close();
    }
    drawn();
  }

  /** @param {Shown} shown */
  async #copy(shown) {
    const { frame, size, isWanted, drawn } = shown;
    const { width, height } = size;
    if (this.#pixels?.width !== width || this.#pixels.height !== height) {
      this.#pixels = new ImageData(width, height);
    }
    const pixels = this.#pixels;
    const began_ms = performance.now();
    this.#copying = true;
    try {
      // "RGBX" is not in TypeScript's types yet; browsers without it refuse, and are drawn to.
      const options = /** @type {VideoFrameCopyToOptions} */ ({
        format: "RGBX",
        rect: { x: 0, y: 0, width, height },
      });
      await frame.copyTo(pixels.data, options);
    } catch {
      this.#copying = false;
      this.#way.cannotCopy();
      this.#drawNow(shown);
      this.#showNext();
      return;
    }
    this.#copying = false;
    frame.close();
    if (isWanted()) {
      this.#resize(size);
      this.#context.putImageData(pixels, 0, 0);
      this.painted++;
      this.#way.copied(performance.now() - began_ms);
      drawn();
    }
    this.#showNext();
  }

  #showNext() {
    const next = this.#next;
    this.#next = null;
    if (next) this.show(next.frame, next.size, next.isWanted, next.drawn);
  }

  /** @param {Size} size */
  #resize({ width, height }) {
    // Setting the size clears the canvas, even to the same size.
    if (this.#canvas.width === width && this.#canvas.height === height) return;
    this.#canvas.width = width;
    this.#canvas.height = height;
    this.#context.imageSmoothingQuality = "medium";
  }

  /** What is painted, without loss. @returns {Promise<Blob>} */
  snapshot() {
    return this.#canvas.convertToBlob({ type: "image/png" });
  }
}

/**
 * Pictures whose format is null lie where only the GPU reaches them; of odd sizes a copy may not
 * begin or end between two chroma samples.
 *
 * @param {VideoFrame} frame @param {Size} size
 */
function isCopyable(frame, size) {
  return frame.format !== null && size.width % 2 === 0 && size.height % 2 === 0;
}
