// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { PaintMethod, TRIALS } from "../../../services/gateway/fanlight_gateway/web/painting/paint-method.js";
import { tableOf } from "../tables.js";

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
    // The method does not change any more.
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

/** Makes a method for each state of the table. Its next call to `drew` or `copied` is the last trial. */
const START = {
  drawing: () => {
    const method = new PaintMethod();
    for (let n = 1; n < TRIALS; n++) method.drew(9);
    return method;
  },
  copying: (copy_ms = 9) => {
    const method = START.drawing();
    method.drew(9);
    for (let n = 1; n < TRIALS; n++) method.copied(copy_ms);
    return method;
  },
  decided: () => {
    const method = START.copying(2);
    method.copied(2);
    return method;
  },
};
/** @param {PaintMethod} method */
const stateOf = (method) => (method.isDecided ? "decided" : method.copies ? "copying" : "drawing");
/** For each row by its number: makes the event happen. @type {Record<string, (from: keyof typeof START) => PaintMethod>} */
const ROWS = {
  1: (from) => {
    const method = START[from]();
    assert.equal(method.copies, false);
    method.drew(9);
    return method;
  },
  2: () => {
    const method = START.copying(2);
    assert.equal(stateOf(method), "copying");
    method.copied(2);
    return method;
  },
  3: () => {
    const method = START.copying(10);
    assert.equal(stateOf(method), "copying");
    method.copied(10);
    return method;
  },
  4: (from) => {
    const method = START[from]();
    assert.equal(stateOf(method), from);
    method.cannotCopy();
    return method;
  },
};

test("the table at the top of paint-method.js", () => {
  const rows = tableOf("painting/paint-method.js");
  assert.deepEqual(rows.map(([, event]) => String(parseInt(event, 10))), Object.keys(ROWS));
  for (const [state, event, next, pictures] of rows) {
    for (const from of state === "any" ? Object.keys(START) : [state]) {
      const method = ROWS[parseInt(event, 10)](/** @type {keyof typeof START} */ (from));
      assert.equal(stateOf(method), next, `${from}: ${event}`);
      assert.equal(method.copies ? "copied" : "drawn", pictures, `${from}: ${event}`);
    }
  }
});
