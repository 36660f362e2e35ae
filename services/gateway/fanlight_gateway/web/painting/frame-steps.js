// @ts-check
/**
 * Turns decoded pictures into steps that the canvas draws: the picture itself, or a copy of its
 * pixels. paint-method.js decides which of the two. Lives in the worker; owns the buffers of the
 * pixels, and the picture that waits.
 *
 * A picture that is drawn is ready at once. A copy takes time, and only one is made at a time.
 * Until it is ready, the newest picture waits. It drops the pictures that waited before.
 *
 * @import { Rectangle } from "../protocol/binary.js"
 * @import { DrawStep, Size } from "./drawing.js"
 *
 * @typedef {{ method: "draw" | "copy", began_ms: number }} Timing
 * began_ms: when the work on the pixels began.
 *
 * @typedef {{
 *   areas: () => Rectangle[] | null,
 *   onready: (step: DrawStep, timing: Timing | null) => void,
 *   onturn: () => void,
 *   onreplaced: () => void,
 * }} FrameListener
 * areas: where a copy has to be painted; null: everywhere. onready: timing is null if the picture
 * says nothing about the methods. onturn: the picture had to wait, and has to be given again now.
 * onreplaced: a newer picture waits in its place, and the frame is closed.
 */

import { PaintMethod } from "./paint-method.js";
import { isCopyable, PixelCopier } from "./pixel-copier.js";

export class FrameSteps {
  /** @type {() => number} */
  #now;
  #method = new PaintMethod();
  #copier = new PixelCopier();
  #isCopying = false;
  /** The picture that waits. @type {{ frame: VideoFrame, listener: FrameListener } | null} */
  #next = null;

  /** @param {() => number} now */
  constructor(now) {
    this.#now = now;
  }

  /**
   * Makes the step of a picture. The frame is closed, or is in the step.
   *
   * @param {VideoFrame} frame
   * @param {Size} source  the size of its top left part that is painted; only `width` and `height`
   *   go into the step, because `source` may be a whole unit
   * @param {FrameListener} listener
   */
  make(frame, { width, height }, listener) {
    const source = { width, height };
    if (!this.#method.copies || !isCopyable(frame, source)) {
      const timing = /** @type {const} */ ({ method: "draw", began_ms: this.#now() });
      listener.onready({ type: "picture", picture: frame, source }, timing);
    } else if (this.#isCopying) {
      this.dropNext();
      this.#next = { frame, listener };
    } else {
      void this.#copy(frame, source, listener);
    }
  }

  /** Drops the picture that waits. */
  dropNext() {
    const next = this.#next;
    this.#next = null;
    next?.frame.close();
    next?.listener.onreplaced();
  }

  /** Notes when a picture was on the canvas. @param {Timing} timing @param {number} drawn_ms */
  painted({ method, began_ms }, drawn_ms) {
    if (method === "draw") this.#method.drew(drawn_ms - began_ms);
    else this.#method.copied(drawn_ms - began_ms);
  }

  /** Takes buffers back, to use them again. @param {readonly ArrayBuffer[]} buffers */
  giveBack(buffers) {
    this.#copier.giveBack(buffers);
  }

  /** @param {VideoFrame} frame @param {Size} source @param {FrameListener} listener */
  async #copy(frame, source, listener) {
    const began_ms = this.#now();
    // A browser draws a part no faster than the whole picture, so only a copy has areas. While the
    // methods are tried, whole pictures are copied, so that their times compare.
    const areas = this.#method.isDecided ? listener.areas() : null;
    this.#isCopying = true;
    /** @type {DrawStep} */
    let step = { type: "picture", picture: frame, source };
    /** @type {Timing | null} */
    let timing = null;
    try {
      const pixels = await this.#copier.copy(frame, source, areas);
      frame.close();
      step = { type: "pixels", pixels, source, areas };
      timing = { method: "copy", began_ms };
    } catch {
      // The frame is drawn instead.
      this.#method.cannotCopy();
    }
    this.#isCopying = false;
    listener.onready(step, timing);
    const next = this.#next;
    this.#next = null;
    next?.listener.onturn();
  }
}
