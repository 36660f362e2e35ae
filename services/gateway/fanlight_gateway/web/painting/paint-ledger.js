// @ts-check
/**
 * Which parts of the canvas the next picture has to cover. Lives in the worker. Pure.
 *
 * A unit says where its picture differs from the one before it (its areas), and only those areas
 * are painted, because without a GPU copying a whole picture costs more than decoding it. When a
 * picture or patch is dropped, its areas are *owed*: the next picture has to cover them as well.
 *
 *   event                                   | effect
 *   ----------------------------------------+-----------------------------------------------------
 *   1 `expect(place, areas)`                | the areas are owed, behind those owed before
 *   2 `sent(place, "everything")`           | nothing before this place is owed, nor the canvas
 *   3 `sent(place, "owed")`                 | nothing before this place is owed
 *   4 `sent(place, "patch")`                | its own areas are not owed, if nothing before it is;
 *                                           | else they stay, because what comes late may
 *                                           | cover the patch
 *   5 `forget()`                            | the whole canvas is owed, until 2
 *
 * A place that is dropped has no event: its areas stay owed. A test has a case for each row.
 *
 * @import { Rectangle } from "../protocol/binary.js"
 * @import { Size } from "./drawing.js"
 */

import { boundingBox, covers } from "./rectangles.js";

/** With more places than this, the whole canvas is owed. */
const MAX_PLACES = 1024;
/**
 * More areas than this are painted as their bounding box, because each one costs the page's thread.
 */
const MAX_AREAS = 3;
/** When the areas are more than this share of the picture, the whole picture costs no more. */
const MAX_SHARE = 0.8;

/** @template P  what stands for a place in the paint queue */
export class PaintLedger {
  /**
   * In painting order; areas is null for everywhere.
   *
   * @type {{ place: P, areas: Rectangle[] | null }[]}
   */
  #owed = [];
  /** Nobody knows what is on the canvas. */
  #owesAll = true;

  /**
   * A picture or patch is going to be painted.
   *
   * @param {P} place
   * @param {Rectangle[] | null} areas  where it changes the canvas; null: anywhere
   */
  expect(place, areas) {
    if (this.#owed.length >= MAX_PLACES) this.forget();
    this.#owed.push({ place, areas });
  }

  /** The whole canvas is owed, because nobody knows what was painted. */
  forget() {
    this.#owed = [];
    this.#owesAll = true;
  }

  /**
   * Where the picture of this place has to be painted.
   *
   * @param {P} place
   * @param {Size} source  the picture's size
   * @param {Size} size  the canvas's
   * @returns {Rectangle[] | null} null: everywhere
   */
  areasFor(place, source, size) {
    const isScaled = source.width !== size.width || source.height !== size.height;
    const last = this.#owed.findIndex((each) => each.place === place);
    if (this.#owesAll || isScaled || last === -1) return null;
    /** @type {Rectangle[]} */
    let areas = [];
    // The newest first, because what moves is mostly the same area again.
    for (const each of this.#owed.slice(0, last + 1).reverse()) {
      if (each.areas === null) return null;
      for (const area of each.areas) {
        if (!areas.some((other) => covers(other, area))) areas.push(area);
      }
      if (areas.length > MAX_AREAS) areas = [boundingBox(areas)];
    }
    const painted = areas.reduce((sum, area) => sum + area.width * area.height, 0);
    return painted <= MAX_SHARE * source.width * source.height ? areas : null;
  }

  /**
   * What stands in this place goes to the page.
   *
   * @param {P} place
   * @param {"everything" | "owed" | "patch"} what  a picture for the whole canvas, a picture for
   *   the areas of `areasFor`, or a patch
   */
  sent(place, what) {
    const index = this.#owed.findIndex((each) => each.place === place);
    // `forget` was called since, and what came before this place may be owed.
    if (index === -1) return;
    if (what === "patch") {
      if (index === 0) this.#owed.shift();
      return;
    }
    this.#owed.splice(0, index + 1);
    if (what === "everything") this.#owesAll = false;
  }
}
