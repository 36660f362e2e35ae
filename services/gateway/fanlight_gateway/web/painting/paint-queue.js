// @ts-check
/**
 * The order in which pictures and patches are painted. Lives in the worker. Pure; times are
 * arguments, in ms.
 *
 * A picture or patch has a place in the queue from the moment it is known: a unit when it goes into
 * the decoder, a patch when it comes. The places are filled in whatever order pixels become ready,
 * and are taken from the front.
 *
 *   event               | effect
 *   --------------------+------------------------------------------------------------------------
 *   1 `enter`           | the last place
 *   2 `fill`, full      | the places before it are dropped: a full picture replaces them
 *   3 `fill`, a patch   | it waits for all that is before it
 *   4 `take`            | takes filled places from the front
 *   5 `take`, when the  | the pictures before the patch are dropped, and *missed*: should they come
 *     patch has waited  | later, what was painted since is wrong
 *     PATCH_WAIT_MS     |
 *   6 a full picture    | nothing is missed any more
 *     is taken          |
 *   7 `leave`           | the place is given up
 *
 * 5: a decoder may hold its pictures back for long. A patch before the patch is always waited for.
 *
 * @template T
 * @typedef {{ full: boolean, since_ms: number, content: T | null, isGone: boolean }} Place
 *
 * full: a picture, which replaces everything before it. content: null until it is filled.
 * isGone: it was dropped or given up.
 */

/** A patch waits for a picture that is in the decoder no longer than this (ms). */
export const PATCH_WAIT_MS = 100;

/** @template T */
export class PaintQueue {
  /** @type {Place<T>[]} */
  #places = [];
  /** See 5. @type {Set<Place<T>>} */
  #missed = new Set();
  /** @type {(content: T) => void} */
  #ondrop;

  /** @param {(content: T) => void} ondrop  called with content that will never be painted */
  constructor(ondrop) {
    this.#ondrop = ondrop;
  }

  get length() {
    return this.#places.length;
  }

  /**
   * @param {boolean} full
   * @param {number} now_ms
   * @returns {Place<T>}
   */
  enter(full, now_ms) {
    const place = { full, since_ms: now_ms, content: null, isGone: false };
    this.#places.push(place);
    return place;
  }

  /**
   * Its pixels are ready. Drops them if the place is gone.
   *
   * @param {Place<T>} place
   * @param {T} content
   */
  fill(place, content) {
    if (place.isGone) {
      this.#ondrop(content);
      return;
    }
    place.content = content;
    if (place.full) this.#dropBefore(this.#places.indexOf(place));
  }

  /** Whether patches were taken that belong onto this picture. @param {Place<T>} place */
  isMissed(place) {
    return this.#missed.has(place);
  }

  /** Gives a place up: it will not be filled. @param {Place<T>} place */
  leave(place) {
    this.#missed.delete(place);
    const index = this.#places.indexOf(place);
    if (index !== -1) this.#places.splice(index, 1);
    this.#drop(place);
  }

  /** Drops every place. */
  clear() {
    this.#missed.clear();
    this.#dropBefore(this.#places.length);
  }

  /**
   * Removes what is to be painted now.
   *
   * @param {number} now_ms
   * @returns {T[]} in order
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
      const due_ms = this.due_ms;
      if (due_ms === null || now_ms < due_ms) return taken;
      const patch = this.#places.findIndex((place) => !place.full);
      for (const place of this.#places.slice(0, patch)) this.#missed.add(place);
      this.#dropBefore(patch);
    }
  }

  /**
   * When to call `take` even if nothing happens: a patch has then waited long enough (ms).
   *
   * @returns {number | null} null: not
   */
  get due_ms() {
    if (!this.#places[0]?.full || this.#places[0].content !== null) return null;
    const patch = this.#places.find((place) => !place.full);
    return patch?.content != null ? patch.since_ms + PATCH_WAIT_MS : null;
  }

  /** @param {number} index */
  #dropBefore(index) {
    for (const place of this.#places.splice(0, index)) this.#drop(place);
  }

  /** @param {Place<T>} place */
  #drop(place) {
    place.isGone = true;
    if (place.content !== null) this.#ondrop(place.content);
    place.content = null;
  }
}
