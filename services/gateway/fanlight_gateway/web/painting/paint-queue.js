// @ts-check
/**
 * Keeps pictures and patches in the order in which they are painted. Lives in the worker. Pure;
 * times are arguments, in ms. It drops pictures that a newer one replaces.
 *
 * A picture or patch has a place in the queue from the moment when it is known: a unit when it goes
 * into the decoder, a patch when it comes. Places are filled in whatever order their pixels become
 * ready, and are taken from the front.
 *
 *   event               | effect
 *   --------------------+------------------------------------------------------------------------
 *   1 `enter`           | the last place
 *   2 `fill`, full      | the places before it are dropped: a full picture replaces them
 *   3 `fill`, a patch   | it waits for all that is before it
 *   4 `take`            | takes filled places from the front
 *   5 `take`, when the  | the pictures before the patch are dropped, and *missed*: if one comes
 *     patch has waited  | later, what was painted since then is wrong
 *     PATCH_WAIT_MS     |
 *   6 a full picture    | nothing is missed any more
 *     is taken          |
 *   7 `leave`           | the place is given up
 *
 * 5: a decoder may hold its pictures back for long. A patch always waits for the patches before it.
 * A test has a case for each row.
 *
 * @template T
 * @typedef {{ full: boolean, since_ms: number, content: T | null, isGone: boolean }} Place
 *
 * full: whether it is a picture, which replaces everything before it. since_ms: when it entered.
 * content: null until it is filled. isGone: whether it was dropped or given up.
 */

/** A patch waits no longer than this for a picture that is in the decoder (ms). */
export const PATCH_WAIT_MS = 100;

/** @template T */
export class PaintQueue {
  /** @type {Place<T>[]} */
  #places = [];
  /** The places that are missed, see 5. @type {Set<Place<T>>} */
  #missed = new Set();
  /** @type {(content: T) => void} */
  #ondrop;

  /** @param {(content: T) => void} ondrop  called with content that will never be painted */
  constructor(ondrop) {
    this.#ondrop = ondrop;
  }

  /** How many places there are. */
  get length() {
    return this.#places.length;
  }

  /**
   * Returns a new place at the end.
   *
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
   * Fills a place, because its pixels are ready. Drops them if the place is gone.
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

  /** Returns whether patches were taken that belong onto this picture. @param {Place<T>} place */
  isMissed(place) {
    return this.#missed.has(place);
  }

  /** Gives a place up, because it will not be filled. @param {Place<T>} place */
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
   * Removes and returns what has to be painted now.
   *
   * @param {number} now_ms
   * @returns {T[]} the contents, in order
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
   * When to call `take` although nothing has happened, because a patch has waited long enough (ms).
   *
   * @returns {number | null} null if no patch waits
   */
  get due_ms() {
    if (!this.#places[0]?.full || this.#places[0].content !== null) return null;
    const patch = this.#places.find((place) => !place.full);
    return patch?.content != null ? patch.since_ms + PATCH_WAIT_MS : null;
  }

  /** Drops the places in front of this one. @param {number} index */
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
