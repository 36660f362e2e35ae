// @ts-check
/**
 * Finds out how a decoded picture gets onto a 2D canvas fastest in this browser: drawn or copied.
 * Lives in the worker. Pure.
 *
 * With a GPU, `drawImage(frame)` costs next to nothing. Without a GPU it takes 7 to 12 ms for
 * 1080p, and sometimes 50 ms, because each time it makes a new bitmap, whose pages have to be
 * faulted in. `copyTo` into a buffer that is kept, and `putImageData`, take 2.3 ms together
 * (headless Chromium, two cores). So the painter tries each method `TRIALS` times, and then keeps
 * the faster one.
 *
 *   state   | event                                       | next    | pictures are
 *   --------+---------------------------------------------+---------+-------------
 *   drawing | 1 `drew`, for the last of `TRIALS` times    | copying | copied
 *   copying | 2 `copied`, likewise; copying was faster    | decided | copied
 *   copying | 3 `copied`, likewise; it was not            | decided | drawn
 *   any     | 4 `cannotCopy`                              | decided | drawn
 *
 * It begins with `drawing`. A test holds this table against the code.
 */

/** How many pictures each method is tried with. The first does not count, because it warms up. */
export const TRIALS = 6;

export class PaintMethod {
  /** How long the pictures took that were drawn. @type {number[]} */
  #draw_ms = [];
  /** How long the pictures took that were copied. @type {number[]} */
  #copy_ms = [];
  /** Whether copying is faster; null until it is known. @type {boolean | null} */
  #copies = null;

  /** Whether the next picture is to be copied and not drawn. */
  get copies() {
    return this.#copies ?? this.#draw_ms.length >= TRIALS;
  }

  /** Whether both were tried. Until then, whole pictures are painted, so that they compare. */
  get isDecided() {
    return this.#copies !== null;
  }

  /** Notes that a picture was drawn. @param {number} took_ms */
  drew(took_ms) {
    if (this.#copies === null && this.#draw_ms.length < TRIALS) this.#draw_ms.push(took_ms);
  }

  /** Notes that a picture was copied. @param {number} took_ms */
  copied(took_ms) {
    if (this.#copies !== null) return;
    this.#copy_ms.push(took_ms);
    if (this.#copy_ms.length < TRIALS) return;
    this.#copies = median(this.#copy_ms) < median(this.#draw_ms);
  }

  /** Notes that this browser cannot copy pictures. */
  cannotCopy() {
    this.#copies = false;
  }
}

/** Returns the median of all but the first. @param {number[]} all */
function median(all) {
  return all.slice(1).sort((a, b) => a - b)[Math.floor((all.length - 1) / 2)] ?? Infinity;
}
