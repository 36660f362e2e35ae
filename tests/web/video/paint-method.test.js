// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { PaintWay, TRIALS } from "../../../services/gateway/fanlight_gateway/web/video/paint-method.js";

/** @param {PaintWay} way @param {number} draw_ms @param {number} copy_ms */
function tryBoth(way, draw_ms, copy_ms) {
  for (let n = 0; n < TRIALS; n++) {
    assert.equal(way.copies, false);
    way.drew(n === 0 ? 500 : draw_ms);
  }
  for (let n = 0; n < TRIALS; n++) {
    assert.equal(way.copies, true);
    way.copied(n === 0 ? 500 : copy_ms);
  }
}

test("the faster way is kept, and the first picture of each does not count", () => {
  for (const [draw_ms, copy_ms, copies] of [[0.3, 2.3, false], [9, 2.3, true], [2, 2, false]]) {
    const way = new PaintWay();
    tryBoth(way, Number(draw_ms), Number(copy_ms));
    assert.equal(way.copies, copies);
    // It does not change its mind.
    for (let n = 0; n < 100; n++) {
      way.drew(copies ? 0 : 100);
      way.copied(copies ? 100 : 0);
    }
    assert.equal(way.copies, copies);
  }
});

test("a browser that cannot copy draws from then on", () => {
  const way = new PaintWay();
  for (let n = 0; n < TRIALS; n++) way.drew(9);
  way.cannotCopy();
  assert.equal(way.copies, false);
});
