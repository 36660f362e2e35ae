// @ts-check
/**
 * The order in which pictures and patches are painted. Pure; times in ms, arguments.
 *
 * Everything that will be painted has a place in a line from the moment it is known: a unit when it
 * goes to the decoder, a patch when it comes. Places are filled when their pixels are ready, in
 * whatever order, and leave at the front. A full picture replaces all before it. A patch waits for
 * what is before it, but for pictures that the decoder holds back no longer than `PATCH_WAIT_MS`:
 * then they are given up, and are dropped should they come later: `isMissed` tells of those without
 * which what was painted since is wrong.
 *
 * @template T
 * @typedef {{ full: boolean, since_ms: number, content: T | null, isGone: boolean }} Place
 */

/** A patch waits for a picture that is in the decoder no longer than this (ms). */
export const PATCH_WAIT_MS = 100;

/** @template T */
export class Order {
  /** @type {Place<T>[]} */
  #places = [];
  /** Given up, and no full picture was taken since. @type {Set<Place<T>>} */
  #missed = new Set();
  /** @type {(content: T) => void} */
  #drop;

  /** @param {(content: T) => void} drop what becomes of content that is never painted */
  constructor(drop) {
    this.#drop = drop;
  }

  get length() {
    return this.#places.length;
  }

  /**
   * The last place in the line.
   *
   * @param {boolean} full  whether it replaces everything before it
   * @param {number} now_ms
   * @returns {Place<T>}
   */
  enter(full, now_ms) {
    const place = { full, since_ms: now_ms, content: null, isGone: false };
    this.#places.push(place);
    return place;
  }

  /** Its pixels are ready; dropped if it was given up. @param {Place<T>} place @param {T} content */
  fill(place, content) {
    if (place.isGone) {
      this.#drop(content);
      return;
    }
    place.content = content;
    if (place.full) this.#leaveBefore(this.#places.indexOf(place));
  }

  /** Whether patches were taken that it should have been under. @param {Place<T>} place */
  isMissed(place) {
    return this.#missed.has(place);
  }

  /** It will not be filled. @param {Place<T>} place */
  leave(place) {
    this.#missed.delete(place);
    const index = this.#places.indexOf(place);
    if (index !== -1) this.#places.splice(index, 1);
    this.#gone(place);
  }

  /** Nothing that is in the line will be painted. */
  clear() {
    this.#missed.clear();
    this.#leaveBefore(this.#places.length);
  }

  /**
   * What is to be painted now, in order.
   *
   * @param {number} now_ms
   * @returns {T[]}
   */
  take(now_ms) {
    const taken = [];
    for (;;) {
      const head = this.#places[0];
      if (head?.content != null) {
        if (head.full) this.#missed.clear();
        taken.push(head.content);
        this.#places.shift();
        continue;
      }
      const due_ms = this.#due();
      if (due_ms === null || now_ms < due_ms) return taken;
      const patch = this.#places.findIndex((place) => !place.full);
      for (const place of this.#places.slice(0, patch)) this.#missed.add(place);
      this.#leaveBefore(patch);
    }
  }

  /**
   * When to call `take` although nothing happens (ms); null: not.
   *
   * @returns {number | null}
   */
  get due_ms() {
    return this.#due();
  }

  /** When the first patch, if it is ready, has waited long enough for pictures. */
  #due() {
    if (!this.#places[0]?.full || this.#places[0].content !== null) return null;
    const patch = this.#places.find((place) => !place.full);
    return patch?.content != null ? patch.since_ms + PATCH_WAIT_MS : null;
  }

  /** @param {number} index */
  #leaveBefore(index) {
    for (const place of this.#places.splice(0, index)) this.#gone(place);
  }

  /** @param {Place<T>} place */
  #gone(place) {
    place.isGone = true;
    if (place.content !== null) this.#drop(place.content);
    place.content = null;
  }
}
