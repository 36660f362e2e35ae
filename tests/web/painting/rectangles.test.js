/** Tests the calculations with rectangles. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { boundingBox, covers, evened } from "../../../services/gateway/fanlight_gateway/web/painting/rectangles.js";

const OUTER = { x: 2, y: 2, width: 10, height: 6 };

test("a rectangle covers itself and what is within it, and nothing that reaches out", () => {
  assert.equal(covers(OUTER, OUTER), true);
  assert.equal(covers(OUTER, { x: 3, y: 3, width: 2, height: 2 }), true);
  for (const reach of [{ x: 1 }, { y: 1 }, { width: 11 }, { height: 7 }]) {
    assert.equal(covers(OUTER, { ...OUTER, ...reach }), false);
  }
});

test("a bounding box covers all", () => {
  const far = { x: 20, y: 0, width: 1, height: 1 };
  assert.deepEqual(boundingBox([OUTER]), OUTER);
  assert.deepEqual(boundingBox([OUTER, far]), { x: 2, y: 0, width: 19, height: 8 });
});

test("an even rectangle has even edges, and no pixel more than it needs", () => {
  assert.deepEqual(evened({ x: 11, y: 5, width: 4, height: 3 }), { x: 10, y: 4, width: 6, height: 4 });
  assert.deepEqual(evened(OUTER), OUTER);
});
