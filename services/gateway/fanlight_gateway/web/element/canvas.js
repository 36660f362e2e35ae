// @ts-check
/**
 * The canvas, which has the desk's size: video, patches and stills are drawn onto the same one, so
 * changing between them never blinks. Lives in the page; decides nothing.
 *
 * What the worker's painter.js sends is drawn at once: the browser shows what is on the canvas at
 * its next refresh. It closes every picture that it is given.
 *
 * @import { Rectangle } from "../protocol/binary.js"
 *
 * @typedef {{ width: number, height: number }} Size
 * @typedef {VideoFrame | ImageBitmap} Picture
 *
 * @typedef {{ type: "picture", picture: Picture, source: Size }
 *   | { type: "pixels", pixels: ArrayBuffer, source: Size, areas: Rectangle[] | null }
 *   | Rectangle & { type: "image", image: Picture }
 *   | Rectangle & { type: "copy", from_x: number, from_y: number }} Step
 * picture: its top left `source` fills the canvas; pixels: the same, as RGBA. areas: only what lies in
 * them is put down, on a canvas of the source's size; null: everything.
 *
 * @typedef {{ size: Size, steps: Step[] }} Order  what is to be drawn, on a canvas of that size
 *
 * @typedef {{ at_ms: number | null, buffers: ArrayBuffer[] }} Drawn
 * at_ms: when it was drawn, since the Unix epoch; null: drawing failed. buffers: of the pixels, to be used again.
 */

export class Surface {
  /** @type {HTMLCanvasElement} */
  #canvas;
  /** @type {CanvasRenderingContext2D} */
  #context;
  /** Pixels that are to be enlarged, or kept while the size changes. */
  #scratch = new OffscreenCanvas(1, 1);
  #isSoftware = isSoftware();
  #isEmpty = true;

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    const context = canvas.getContext("2d", { alpha: false });
    if (!context) throw new Error("no 2d context");
    this.#canvas = canvas;
    this.#context = context;
  }

  /**
   * Draws, all of it before the browser can show any.
   *
   * @param {Order[]} orders
   * @returns {Drawn}
   */
  draw(orders) {
    this.#isEmpty = false;
    try {
      for (const { size, steps } of orders) {
        this.#resize(size, steps[0]);
        for (const step of steps) this.#step(step);
      }
    } finally {
      discard(orders);
    }
    const steps = orders.flatMap((order) => order.steps);
    const buffers = steps.flatMap((step) => (step.type === "pixels" ? [step.pixels] : []));
    return { at_ms: performance.timeOrigin + performance.now(), buffers };
  }

  /** Shows a picture as long as there is nothing else, and does not close it. @param {ImageBitmap} picture */
  preview(picture) {
    if (!this.#isEmpty) return;
    const { width, height } = picture;
    this.#canvas.width = width;
    this.#canvas.height = height;
    this.#context.drawImage(picture, 0, 0);
  }

  /** What is painted, without loss. @returns {Promise<Blob>} */
  snapshot() {
    return new Promise((resolve, reject) => {
      this.#canvas.toBlob((blob) => {
        if (blob) resolve(blob);
        else reject(new Error("no picture yet"));
      }, "image/png");
    });
  }

  /** @param {Step} step */
  #step(step) {
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
   * A canvas drawn onto itself is right where source and target overlap, but without a GPU all of it
   * is copied first: 6.5 ms at 1080p, and as much for each further copy, where reading 800 x 460
   * pixels and putting them elsewhere takes 1.2. With a GPU, reading would wait for it.
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

  /** @param {ArrayBuffer} pixels @param {Size} source @param {Rectangle[] | null} areas */
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

  /** @param {Size} size @param {Step | undefined} first */
  #resize({ width, height }, first) {
    const canvas = this.#canvas;
    if (canvas.width === width && canvas.height === height) return;
    const isCovered =
      first?.type === "picture" || (first?.type === "pixels" && first.areas === null);
    if (!isCovered) this.#emptyScratch(canvas.width, canvas.height).drawImage(canvas, 0, 0);
    // Setting the size clears the canvas.
    canvas.width = width;
    canvas.height = height;
    this.#context.imageSmoothingQuality = "medium";
    if (!isCovered) this.#context.drawImage(this.#scratch, 0, 0, width, height);
  }

  /** @param {number} width @param {number} height */
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

/** Whether the browser draws without a GPU. */
function isSoftware() {
  const options = { failIfMajorPerformanceCaveat: true };
  const context = new OffscreenCanvas(1, 1).getContext("webgl", options);
  context?.getExtension("WEBGL_lose_context")?.loseContext();
  return context === null;
}

/** Closes the pictures of orders, drawn or not. @param {Order[]} orders */
export function discard(orders) {
  for (const step of orders.flatMap(({ steps }) => steps)) {
    if (step.type === "picture") step.picture.close();
    else if (step.type === "image") step.image.close();
  }
}
