// @ts-check
/**
 * Draws onto the canvas, which has the desk's size. Lives in the page; owns the canvas. Video,
 * patches and screenshots are drawn onto the same canvas, so a change between them does not blink.
 * It decides nothing.
 *
 * It draws at once what the painter (painter.js, in the worker) sends; the browser shows it at its
 * next refresh. It closes every picture that it gets.
 *
 * @import { Rectangle } from "../protocol/binary.js"
 * @import { Drawing, DrawResult, DrawStep, Size } from "../painting/drawing.js"
 */

import { buffersOf, closePictures } from "../painting/drawing.js";

export class DeskCanvas {
  /** @type {HTMLCanvasElement} */
  #canvas;
  /** @type {CanvasRenderingContext2D} */
  #context;
  /** Holds pixels that are enlarged, or that are kept while the canvas changes its size. */
  #scratch = new OffscreenCanvas(1, 1);
  #isSoftware = isSoftware();
  /** Whether nothing was drawn yet. A preview does not count. */
  #isEmpty = true;

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    const context = canvas.getContext("2d", { alpha: false });
    if (!context) throw new Error("no 2d context");
    this.#canvas = canvas;
    this.#context = context;
  }

  /**
   * Draws everything before the browser can show a part of it. Closes the pictures, also if it
   * throws.
   *
   * @param {Drawing[]} drawings
   * @returns {DrawResult}
   */
  draw(drawings) {
    this.#isEmpty = false;
    try {
      for (const { size, steps } of drawings) {
        this.#resize(size, steps[0]);
        for (const step of steps) this.#drawStep(step);
      }
    } finally {
      closePictures(drawings);
    }
    const at_ms = performance.timeOrigin + performance.now();
    return { at_ms, buffers: buffersOf(drawings) };
  }

  /** Shows a picture if nothing was drawn yet. Leaves it open. @param {ImageBitmap} picture */
  preview(picture) {
    if (!this.#isEmpty) return;
    const { width, height } = picture;
    this.#canvas.width = width;
    this.#canvas.height = height;
    this.#context.drawImage(picture, 0, 0);
  }

  /**
   * Returns what is on the canvas, as PNG.
   *
   * @returns {Promise<Blob>} rejects before there is a picture
   */
  snapshot() {
    return new Promise((resolve, reject) => {
      this.#canvas.toBlob((blob) => {
        if (blob) resolve(blob);
        else reject(new Error("no picture yet"));
      }, "image/png");
    });
  }

  /** @param {DrawStep} step */
  #drawStep(step) {
    const { width, height } = this.#canvas;
    switch (step.type) {
      case "picture": {
        const { source } = step;
        const from = /** @type {const} */ ([0, 0, source.width, source.height]);
        this.#context.drawImage(step.picture, ...from, 0, 0, width, height);
        break;
      }
      case "pixels":
        this.#put(step.pixels, step.source, step.areas);
        break;
      case "image":
        this.#context.drawImage(step.image, step.x, step.y, step.width, step.height);
        break;
      case "copy":
        this.#copy(step);
        break;
    }
  }

  /**
   * Moves pixels. A canvas can be drawn onto itself, even if source and target overlap. But without
   * a GPU the browser first copies the whole canvas, which takes 6.5 ms at 1080p for each copy. To
   * read 800 x 460 pixels and put them elsewhere takes 1.2 ms. With a GPU, reading would wait for
   * the GPU.
   *
   * @param {Rectangle & { from_x: number, from_y: number }} copy
   */
  #copy({ x, y, from_x, from_y, ...size }) {
    const width = Math.min(size.width, this.#canvas.width - Math.max(x, from_x));
    const height = Math.min(size.height, this.#canvas.height - Math.max(y, from_y));
    if (width <= 0 || height <= 0) return;
    if (this.#isSoftware) {
      this.#context.putImageData(this.#context.getImageData(from_x, from_y, width, height), x, y);
    } else {
      this.#context.drawImage(this.#canvas, from_x, from_y, width, height, x, y, width, height);
    }
  }

  /**
   * Draws pixels.
   *
   * @param {ArrayBuffer} pixels
   * @param {Size} source
   * @param {Rectangle[] | null} areas
   */
  #put(pixels, { width, height }, areas) {
    const data = new ImageData(
      new Uint8ClampedArray(pixels, 0, 4 * width * height),
      width,
      height,
    );
    if (areas) {
      for (const { x, y, ...area } of areas) {
        this.#context.putImageData(data, 0, 0, x, y, area.width, area.height);
      }
    } else if (width === this.#canvas.width && height === this.#canvas.height) {
      this.#context.putImageData(data, 0, 0);
    } else {
      const context = this.#emptyScratch(width, height);
      context.putImageData(data, 0, 0);
      this.#context.drawImage(this.#scratch, 0, 0, this.#canvas.width, this.#canvas.height);
    }
  }

  /**
   * Gives the canvas a size. Keeps what is on it, unless the first step covers everything.
   *
   * @param {Size} size @param {DrawStep | undefined} first
   */
  #resize({ width, height }, first) {
    const canvas = this.#canvas;
    if (canvas.width === width && canvas.height === height) return;
    const isCovered =
      first?.type === "picture" || (first?.type === "pixels" && first.areas === null);
    if (!isCovered) this.#emptyScratch(canvas.width, canvas.height).drawImage(canvas, 0, 0);
    // A canvas whose size is set is empty.
    canvas.width = width;
    canvas.height = height;
    this.#context.imageSmoothingQuality = "medium";
    if (!isCovered) this.#context.drawImage(this.#scratch, 0, 0, width, height);
  }

  /** Returns the scratch canvas, empty. @param {number} width @param {number} height */
  #emptyScratch(width, height) {
    if (this.#scratch.width !== width || this.#scratch.height !== height) {
      this.#scratch.width = width;
      this.#scratch.height = height;
    }
    const context = this.#scratch.getContext("2d", { alpha: false });
    if (!context) throw new Error("no 2d context");
    return context;
  }
}

/** Returns whether the browser draws without a GPU. */
function isSoftware() {
  const options = { failIfMajorPerformanceCaveat: true };
  const context = new OffscreenCanvas(1, 1).getContext("webgl", options);
  context?.getExtension("WEBGL_lose_context")?.loseContext();
  return context === null;
}
