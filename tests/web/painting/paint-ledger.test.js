/** Tests which parts of the canvas the next picture has to cover. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { PaintLedger } from "../../../services/gateway/fanlight_gateway/web/painting/paint-ledger.js";
import { tableOf } from "../tables.js";

const SIZE = { width: 64, height: 48 };
const HALF = { width: 32, height: 24 };
const area = (x, y, width = 4, height = 4) => ({ x, y, width, height });
const [A, B, C] = [area(0, 0), area(20, 8), area(40, 40)];

/** Returns a ledger with one picture on the canvas. */
function known() {
  const ledger = new PaintLedger();
  ledger.expect("first", null);
  ledger.sent("first", "everything");
  return ledger;
}

const areasFor = (ledger, place, size = SIZE) => ledger.areasFor(place, size, SIZE);

describe("paint ledger", () => {
  test("the first picture covers the canvas, whatever its unit says", () => {
    const ledger = new PaintLedger();
    ledger.expect("first", [A]);
    assert.equal(areasFor(ledger, "first"), null);
    ledger.sent("first", "owed");
    ledger.expect("second", [A]);
    assert.equal(areasFor(ledger, "second"), null, "nobody has painted the canvas yet");
    ledger.sent("second", "everything");
    ledger.expect("third", [A]);
    assert.deepEqual(areasFor(ledger, "third"), [A]);
  });

  test("what was dropped is owed to the next picture, the newest first", () => {
    const ledger = known();
    ledger.expect("dropped", [A]);
    ledger.expect("patch", [B]);
    ledger.expect("next", [C]);
    ledger.expect("later", [area(60, 0)]);
    assert.deepEqual(areasFor(ledger, "next"), [C, B, A]);
    ledger.sent("next", "owed");
    assert.deepEqual(areasFor(ledger, "later"), [area(60, 0)]);
  });

  test("an area that another one covers is painted once", () => {
    const ledger = known();
    ledger.expect("inner", [area(1, 1, 2, 2)]);
    ledger.expect("same", [A]);
    ledger.expect("next", [A]);
    assert.deepEqual(areasFor(ledger, "next"), [A]);
  });

  test("many areas are their bounding box; most of the picture is all of it", () => {
    const ledger = known();
    ledger.expect("many", [A, B, C, area(60, 0)]);
    assert.equal(areasFor(ledger, "many"), null);
    const other = known();
    other.expect("many", [0, 8, 16, 24].map((x) => area(x, 0)));
    assert.deepEqual(areasFor(other, "many"), [area(0, 0, 28, 4)]);
  });

  test("a picture that may differ anywhere covers the canvas, and so does what comes after it", () => {
    const ledger = known();
    ledger.expect("dropped", null);
    ledger.expect("next", [A]);
    assert.equal(areasFor(ledger, "next"), null);
    ledger.sent("next", "everything");
    ledger.expect("last", [A]);
    assert.deepEqual(areasFor(ledger, "last"), [A]);
  });

  test("a picture of another size than the canvas covers all of it", () => {
    const ledger = known();
    ledger.expect("scaled", [A]);
    assert.equal(areasFor(ledger, "scaled", HALF), null);
  });

  test("a patch pays for itself, if nothing before it is owed", () => {
    const ledger = known();
    ledger.expect("patch", [A]);
    ledger.sent("patch", "patch");
    ledger.expect("next", [B]);
    assert.deepEqual(areasFor(ledger, "next"), [B]);
  });

  test("a patch that goes before an older picture stays owed, because that one may cover it", () => {
    const ledger = known();
    ledger.expect("late", [A]);
    ledger.expect("patch", [B]);
    ledger.sent("patch", "patch");
    ledger.expect("next", [C]);
    assert.deepEqual(areasFor(ledger, "next"), [C, B, A]);
  });

  test("after it forgot, only a picture for everything tells what is on the canvas", () => {
    const ledger = known();
    ledger.expect("sent before", [A]);
    ledger.forget();
    ledger.sent("sent before", "owed");
    ledger.expect("next", [B]);
    assert.equal(areasFor(ledger, "next"), null);
    ledger.sent("next", "everything");
    ledger.expect("last", [C]);
    assert.deepEqual(areasFor(ledger, "last"), [C]);
  });

  test("with too many places it forgets", () => {
    const ledger = known();
    for (let n = 0; n < 1024; n++) ledger.expect(n, [A]);
    assert.deepEqual(areasFor(ledger, 1023), [A]);
    ledger.expect("one more", [A]);
    assert.equal(areasFor(ledger, "one more"), null);
  });

  test("any sequence leaves the canvas as if every picture had been painted as a whole", () => {
    let seed = 7;
    const random = (n) => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((seed / 2 ** 32) * n);
    };
    const [width, height] = [12, 8];
    const size = { width, height };
    for (let round = 0; round < 300; round++) {
      const ledger = new PaintLedger();
      /** What the desk and the canvas show: the number of the step that changed a pixel last. */
      const desk = new Array(width * height).fill(0);
      const canvas = new Array(width * height).fill(-1);
      const put = (to, { x, y, width: across, height: down }, from) => {
        for (let row = y; row < y + down; row++) {
          for (let column = x; column < x + across; column++) {
            to[row * width + column] = from[row * width + column];
          }
        }
      };
      const all = { x: 0, y: 0, width, height };
      for (let step = 1; step < 25; step++) {
        const x = random(width - 1);
        const y = random(height - 1);
        const changed = { x, y, width: 1 + random(width - x), height: 1 + random(height - y) };
        put(desk, changed, new Array(width * height).fill(step));
        ledger.expect(step, [changed]);
        if (random(10) === 0) ledger.forget();
        if (random(3) === 0) continue; // It was dropped.
        const areas = ledger.areasFor(step, size, size);
        for (const rectangle of areas ?? [all]) put(canvas, rectangle, desk);
        ledger.sent(step, areas === null ? "everything" : "owed");
        assert.deepEqual(canvas, desk, `round ${round}, step ${step}`);
      }
    }
  });
});

describe("the table at the top of paint-ledger.js", () => {
  /** Lets the ledger expect three places, one behind the other. */
  const three = (ledger) => {
    ledger.expect("before", [A]);
    ledger.expect("it", [B]);
    ledger.expect("after", [C]);
    return ledger;
  };
  const ROWS = {
    "1 `expect(place, areas)`": () => {
      assert.deepEqual(areasFor(three(known()), "after"), [C, B, A]);
      assert.deepEqual(areasFor(three(known()), "it"), [B, A], "what is behind it is not its own");
    },
    '2 `sent(place, "everything")`': () => {
      const ledger = three(new PaintLedger());
      assert.equal(areasFor(ledger, "after"), null);
      ledger.sent("it", "everything");
      assert.deepEqual(areasFor(ledger, "after"), [C]);
    },
    '3 `sent(place, "owed")`': () => {
      const ledger = three(known());
      ledger.sent("it", "owed");
      assert.deepEqual(areasFor(ledger, "after"), [C]);
      const unknown = three(new PaintLedger());
      unknown.sent("it", "owed");
      assert.equal(areasFor(unknown, "after"), null, "the canvas itself is still owed");
    },
    '4 `sent(place, "patch")`': () => {
      const first = known();
      first.expect("it", [B]);
      first.expect("after", [C]);
      first.sent("it", "patch");
      assert.deepEqual(areasFor(first, "after"), [C]);
      const later = three(known());
      later.sent("it", "patch");
      assert.deepEqual(areasFor(later, "after"), [C, B, A]);
    },
    "5 `forget()`": () => {
      const ledger = three(known());
      ledger.forget();
      ledger.expect("next", [A]);
      assert.equal(areasFor(ledger, "next"), null);
      ledger.sent("next", "owed");
      ledger.expect("picture", [B]);
      assert.equal(areasFor(ledger, "picture"), null);
      ledger.sent("picture", "everything");
      ledger.expect("last", [C]);
      assert.deepEqual(areasFor(ledger, "last"), [C]);
    },
  };
  const rows = tableOf("painting/paint-ledger.js");

  test("has a test for each of its rows", () => {
    assert.deepEqual(rows.map(([event]) => event), Object.keys(ROWS));
  });

  for (const [event, effect] of rows) test(`${event}: ${effect}`, ROWS[event]);
});
