// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { PaintMethod, TRIALS } from "../../../services/gateway/fanlight_gateway/web/painting/paint-method.js";

/** @param {PaintMethod} method @param {number} draw_ms @param {number} copy_ms */
function tryBoth(method, draw_ms, copy_ms) {
  for (let n = 0; n < TRIALS; n++) {
    assert.equal(method.copies, false);
    method.drew(n === 0 ? 500 : draw_ms);
  }
  for (let n = 0; n < TRIALS; n++) {
    assert.equal(method.copies, true);
    method.copied(n === 0 ? 500 : copy_ms);
  }
}

test("the faster method is kept, and the first picture of each does not count", () => {
  for (const [draw_ms, copy_ms, copies] of [[0.3, 2.3, false], [9, 2.3, true], [2, 2, false]]) {
    const method = new PaintMethod();
    tryBoth(method, Number(draw_ms), Number(copy_ms));
    assert.equal(method.copies, copies);
    // It does not change its mind.
    for (let n = 0; n < 100; n++) {
      method.drew(copies ? 0 : 100);
      method.copied(copies ? 100 : 0);
    }
    assert.equal(method.copies, copies);
  }
});

test("a browser that cannot copy draws from then on", () => {
  const method = new PaintMethod();
  for (let n = 0; n < TRIALS; n++) method.drew(9);
  method.cannotCopy();
  assert.equal(method.copies, false);
});
