// @ts-check
/**
 * Puts screenshot answers that build on one another into order, in whichever order they come. Lives
 * in the worker. Pure.
 *
 * Each answer has a tag, and names the tag of the picture that it goes onto (`base`; null: it is a
 * full picture). An answer waits until its base has come. If too many wait, an answer was lost:
 * `take` returns null then, and the caller has to begin anew with a full picture.
 *
 * @template T
 * @typedef {{ tag: string, base: string | null, content: T }} Link
 */

/** If more answers than this wait, one was lost. */
const MAX_WAITING = 8;

/** @template T */
export class DeltaChain {
  /**
   * The tag of the newest picture that `take` returned; null before the first.
   *
   * @type {string | null}
   */
  tag = null;
  /** The answers that wait, by their base. @type {Map<string, Link<T>>} */
  #waiting = new Map();

  /** How many answers wait for their base. */
  get waiting() {
    return this.#waiting.size;
  }

  /** Begins anew. Drops what waits. */
  reset() {
    this.tag = null;
    this.#waiting.clear();
  }

  /**
   * Takes an answer that has come.
   *
   * @param {Link<T>} link
   * @returns {T[] | null} the contents to be painted now, in order; null if an answer was lost
   */
  take(link) {
    if (link.base !== null && link.base !== this.tag) {
      this.#waiting.set(link.base, link);
      return this.#waiting.size > MAX_WAITING ? null : [];
    }
    const contents = [];
    for (let next = /** @type {Link<T> | undefined} */ (link); next; ) {
      contents.push(next.content);
      this.tag = next.tag;
      const found = this.#waiting.get(next.tag);
      this.#waiting.delete(next.tag);
      next = found;
    }
    return contents;
  }
}
