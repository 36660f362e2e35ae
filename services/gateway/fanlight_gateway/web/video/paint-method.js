// @ts-check
/**
 * Which way a decoded picture gets onto a 2D canvas fastest in this browser. Pure.
 *
 * With a GPU `drawImage(frame)` costs next to nothing. Without one it takes 7 to 12 ms for 1080p,
 * with a tail of 50 (a new bitmap each time, whose pages have to be faulted in), where `copyTo` into
 * a buffer that is kept, and `putImageData`, take 2.3 (headless Chromium, two cores). So each way is
 * tried a few times, and the faster one kept.
 */

/** Pictures by which each way is judged. The first of each is not: it warms up. */
export const TRIALS = 6;

export class PaintWay {
  /** @type {number[]} */
  #draw_ms = [];
  /** @type {number[]} */
  #copy_ms = [];
  /** @type {boolean | null} */
  #decided = null;

  /** Whether the next picture is to be copied rather than drawn. */
  get copies() {
    return this.#decided ?? this.#draw_ms.length >= TRIALS;
  }

  /** Whether both have been tried. Until then pictures are painted as a whole, to be compared. */
  get isDecided() {
    return this.#decided !== null;
  }

  /** A picture was drawn, in so long. @param {number} took_ms */
  drew(took_ms) {
    if (this.#decided === null && this.#draw_ms.length < TRIALS) this.#draw_ms.push(took_ms);
  }

  /** A picture was copied, in so long. @param {number} took_ms */
  copied(took_ms) {
    if (this.#decided !== null) return;
    this.#copy_ms.push(took_ms);
    if (this.#copy_ms.length >= TRIALS) {
      this.#decided = middle(this.#copy_ms) < middle(this.#draw_ms);
    }
  }

  /** This browser cannot copy pictures so. */
  cannotCopy() {
    this.#decided = false;
  }
}

/** @param {number[]} all */
function middle(all) {
  return all.slice(1).sort((a, b) => a - b)[Math.floor((all.length - 1) / 2)] ?? Infinity;
}
