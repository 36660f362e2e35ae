// @ts-check
/**
 * The order of answers that build on one another, whichever way they come. Pure.
 *
 * Each answer has a tag and names the picture that it goes onto (`base`; null: onto anything). What
 * comes before its base has come is kept. An answer that nothing leads to any more, and too many
 * that wait, mean that one was lost: then everything begins anew, as another viewer, of whom the
 * service knows nothing.
 *
 * @template T
 * @typedef {{ tag: string, base: string | null, content: T }} Link
 */

const MAX_WAITING = 8;

/** @template T */
export class Chain {
  /** Of the picture that is painted. @type {string | null} */
  tag = null;
  /** By their base. @type {Map<string, Link<T>>} */
  #waiting = new Map();

  /** How many answers wait for one before them. */
  get waiting() {
    return this.#waiting.size;
  }

  /** Nothing is painted, as far as we know. */
  reset() {
    this.tag = null;
    this.#waiting.clear();
  }

  /**
   * An answer has come: what is to be painted now, in order; null: begin anew.
   *
   * @param {Link<T>} link
   * @returns {T[] | null}
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
