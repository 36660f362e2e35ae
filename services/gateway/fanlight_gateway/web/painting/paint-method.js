// @ts-check
/**
 * How a decoded picture gets onto a 2D canvas fastest in this browser: drawn or copied. Lives in
 * the worker. Pure.
 *
 * With a GPU, `drawImage(frame)` costs next to nothing. Without one it takes 7 to 12 ms for 1080p,
 * and up to 50 ms at times (a new bitmap each time, whose pages have to be faulted in), where
 * `copyTo` into a buffer that is kept, and `putImageData`, take 2.3 ms (headless Chromium, two
 * cores). So the painter tries each method `TRIALS` times, first drawing, and then keeps the faster
 * one.
 */

/** Pictures by which each method is judged. The first one does not count, because it warms up. */
export const TRIALS = 6;

export class PaintMethod {
  /** @type {number[]} */
  #draw_ms = [];
  /** @type {number[]} */
  #copy_ms = [];
  /** Whether copying is faster; null: not known yet. @type {boolean | null} */
  #copies = null;

  /** Whether the next picture is to be copied and not drawn. */
  get copies() {
    return this.#copies ?? this.#draw_ms.length >= TRIALS;
  }

  /** Whether both were tried. Until then pictures are painted as a whole, to be compared. */
  get isDecided() {
    return this.#copies !== null;
  }

  /** A picture was drawn. @param {number} took_ms */
  drew(took_ms) {
    if (this.#copies === null && this.#draw_ms.length < TRIALS) this.#draw_ms.push(took_ms);
  }

  /** A picture was copied. @param {number} took_ms */
  copied(took_ms) {
    if (this.#copies !== null) return;
    this.#copy_ms.push(took_ms);
    if (this.#copy_ms.length < TRIALS) return;
    this.#copies = median(this.#copy_ms) < median(this.#draw_ms);
  }

  /** This browser cannot copy pictures. */
  cannotCopy() {
    this.#copies = false;
  }
}

/** The median without the first one. @param {number[]} all */
function median(all) {
  return all.slice(1).sort((a, b) => a - b)[Math.floor((all.length - 1) / 2)] ?? Infinity;
}
