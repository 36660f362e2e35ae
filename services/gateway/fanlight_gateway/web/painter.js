// @ts-check
/**
 * The canvas: video and stills are drawn onto the same one, so changing between them never
 * blinks. Lives in the worker.
 *
 * A picture is drawn as soon as it is there: the browser shows what is on the canvas at its next
 * refresh, and waiting for that here would only make it one refresh later.
 */

export class Painter {
  /** @type {OffscreenCanvas} */
  #canvas;
  /** @type {OffscreenCanvasRenderingContext2D} */
  #context;
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
   * @param {{ width: number, height: number }} source
   * @param {{ width: number, height: number }} size
   */
  draw(picture, source, size = source) {
    // Setting the size clears the canvas, even to the same size.
    if (this.#canvas.width !== size.width || this.#canvas.height !== size.height) {
      this.#canvas.width = size.width;
      this.#canvas.height = size.height;
      this.#context.imageSmoothingQuality = "medium";
    }
    const { width, height } = source;
    this.#context.drawImage(picture, 0, 0, width, height, 0, 0, size.width, size.height);
    this.painted++;
  }

  /** What is painted, without loss. @returns {Promise<Blob>} */
  snapshot() {
    return this.#canvas.convertToBlob({ type: "image/png" });
  }
}
