// @ts-check
/**
 * Copies the pixels of decoded pictures into buffers. Lives in the worker; owns the buffers, which
 * go to the page with the pixels and come back for the next picture. It keeps two of them and drops
 * the rest.
 *
 * @import { Rectangle } from "../protocol/binary.js"
 * @import { Size } from "./drawing.js"
 */

import { evened } from "./rectangles.js";

/** So many buffers are kept: one is at the page while the other one is filled. */
const MAX_BUFFERS = 2;

export class PixelCopier {
  /** @type {ArrayBuffer[]} */
  #buffers = [];

  /**
   * Copies the pixels as RGBA, in the layout of the whole picture. Leaves the frame open.
   *
   * @param {VideoFrame} frame
   * @param {Size} size
   * @param {Rectangle[] | null} areas  null: everything
   * @returns {Promise<ArrayBuffer>} rejects if this browser cannot copy the frame
   */
  async copy(frame, { width, height }, areas) {
    const stride = 4 * width;
    // There is one more row, because Chromium takes the last row of an area to be as long as any.
    const pixels = this.#take(stride * (height + 1));
    const all = areas ?? [{ x: 0, y: 0, width, height }];
    await Promise.all(
      all.map(evened).map((rect) => {
        const layout = [{ offset: rect.y * stride + 4 * rect.x, stride }];
        // "RGBX" is not in TypeScript's types yet. Browsers without it reject.
        const options = /** @type {VideoFrameCopyToOptions} */ ({ format: "RGBX", rect, layout });
        return frame.copyTo(pixels, options);
      }),
    );
    return pixels;
  }

  /** Takes buffers back, to use them again. @param {readonly ArrayBuffer[]} buffers */
  giveBack(buffers) {
    this.#buffers.push(...buffers);
    this.#buffers.splice(0, this.#buffers.length - MAX_BUFFERS);
  }

  /** Returns a kept buffer of this size, or a new one. @param {number} size_bytes */
  #take(size_bytes) {
    const kept = this.#buffers.findIndex((buffer) => buffer.byteLength === size_bytes);
    return kept === -1 ? new ArrayBuffer(size_bytes) : this.#buffers.splice(kept, 1)[0];
  }
}

/**
 * Returns whether a frame can be copied. A frame whose format is null lies where only the GPU
 * reaches it. A frame with an odd side would need a copy that ends between two chroma samples,
 * which browsers refuse.
 *
 * @param {VideoFrame} frame
 * @param {Size} size
 */
export function isCopyable(frame, size) {
  return frame.format !== null && size.width % 2 === 0 && size.height % 2 === 0;
}
