// @ts-check
/**
 * Decides which parts of the canvas the next picture has to cover. Lives in the worker. Pure.
 *
 * A unit says where its picture differs from the picture before it (its areas). Only those areas
 * are painted, because without a GPU it costs more to copy a whole picture than to decode it. When
 * a picture or patch is dropped, its areas are *owed*: the next picture has to cover them as well.
 *
 *   event                                   | effect
 *   ----------------------------------------+-----------------------------------------------------
 *   1 `expect(place, areas)`                | the areas are owed, behind those owed before
 *   2 `sent(place, "everything")`           | nothing before this place is owed, nor the canvas
 *   3 `sent(place, "owed")`                 | nothing before this place is owed
 *   4 `sent(place, "patch")`                | its own areas are not owed, if nothing before it is;
 *                                           | otherwise they stay owed, because a picture that
 *                                           | comes late may cover the patch
 *   5 `forget()`                            | the whole canvas is owed, until 2
 *
 * A place that is dropped has no event: its areas stay owed. A test has a case for each row.
 *
 * @import { Rectangle } from "../protocol/binary.js"
 * @import { Size } from "./drawing.js"
 */

import { boundingBox, covers } from "./rectangles.js";

/** If the areas of more pictures and patches than this are owed, the whole canvas is owed. */
const MAX_OWED = 1024;
/**
 * More areas than this are painted as their bounding box, because each area costs the page time.
 */
const MAX_PAINTED_AREAS = 3;
/** If the areas are more than this fraction of the picture, the whole picture costs no more. */
const MAX_FRACTION = 0.8;

/** @template P  what stands for a place in the paint queue */
export class PaintLedger {
  /**
   * What is owed, in painting order. areas: null means everywhere.
   *
   * @type {{ place: P, areas: Rectangle[] | null }[]}
   */
  #owed = [];
  /** Whether the whole canvas is owed, because nobody knows what is on it. */
  #owesAll = true;

  /**
   * Notes that a picture or patch is going to be painted.
   *
   * @param {P} place
   * @param {Rectangle[] | null} areas  where it changes the canvas; null: anywhere
   */
  expect(place, areas) {
    if (this.#owed.length >= MAX_OWED) this.forget();
    this.#owed.push({ place, areas });
  }

  /** Makes the whole canvas owed, because nobody knows what was painted. */
  forget() {
    this.#owed = [];
    this.#owesAll = true;
  }

  /**
   * Returns where the picture of this place has to be painted.
   *
   * @param {P} place
   * @param {Size} source  the picture's size
   * @param {Size} size  the canvas's size
   * @returns {Rectangle[] | null} null: everywhere
   */
  areasFor(place, source, size) {
    const isScaled = source.width !== size.width || source.height !== size.height;
    const last = this.#owed.findIndex((each) => each.place === place);
    if (this.#owesAll || isScaled || last === -1) return null;
    /** @type {Rectangle[]} */
    let areas = [];
    // The newest areas come first, because most of the time the same area changes again.
    for (const each of this.#owed.slice(0, last + 1).reverse()) {
      if (each.areas === null) return null;
      for (const area of each.areas) {
        if (!areas.some((other) => covers(other, area))) areas.push(area);
      }
      if (areas.length > MAX_PAINTED_AREAS) areas = [boundingBox(areas)];
    }
    const painted = areas.reduce((sum, area) => sum + area.width * area.height, 0);
    return painted <= MAX_FRACTION * source.width * source.height ? areas : null;
  }

  /**
   * Notes that the picture or patch of this place goes to the page.
   *
   * @param {P} place
   * @param {"everything" | "owed" | "patch"} what  a picture for the whole canvas, a picture for
   *   the areas of `areasFor`, or a patch
   */
  sent(place, what) {
    const index = this.#owed.findIndex((each) => each.place === place);
    // `forget` was called after this place was expected, so what came before it is not known.
    if (index === -1) return;
    if (what === "patch") {
      if (index === 0) this.#owed.shift();
      return;
    }
    this.#owed.splice(0, index + 1);
    if (what === "everything") this.#owesAll = false;
  }
}
