/** Tests that fingers become a pointer. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { LONG_PRESS_MS, Touch } from "../../../services/gateway/fanlight_gateway/web/input/touch.js";
import { tableOf } from "../tables.js";

describe("touch", () => {
  const at = (x, y) => ({ x, y });
  const kinds = (actions) => actions.map((a) => (a.type === "button" ? `${a.down ? "+" : "-"}${a.button}` : a.type)).join(" ");

  test("a tap is a click where it began", () => {
    const touch = new Touch();
    assert.deepEqual(touch.down(1, at(5, 5), 0), []);
    assert.equal(touch.deadline_ms, LONG_PRESS_MS);
    assert.deepEqual(touch.move(1, at(8, 5), 50), []);
    const actions = touch.up(1, 100);
    assert.equal(kinds(actions), "+0 -0");
    assert.deepEqual([actions[0].x, actions[0].y], [5, 5]);
    assert.equal(touch.deadline_ms, null);
  });

  test("a long press is the right button, once", () => {
    const touch = new Touch();
    touch.down(1, at(5, 5), 0);
    assert.deepEqual(touch.tick(LONG_PRESS_MS - 1), []);
    assert.equal(kinds(touch.tick(LONG_PRESS_MS)), "+2 -2");
    assert.deepEqual(touch.move(1, at(90, 90), 600), []);
    assert.deepEqual(touch.up(1, 700), []);
    touch.down(1, at(5, 5), 1000);
    assert.equal(kinds(touch.up(1, 2000)), "+2 -2"); // The timer was late.
    touch.down(1, at(5, 5), 3000);
    assert.equal(kinds(touch.move(1, at(6, 5), 4000)), "+2 -2");
  });

  test("a finger that moves drags from where it began", () => {
    const touch = new Touch();
    touch.down(1, at(5, 5), 0);
    const begun = touch.move(1, at(30, 5), 20);
    assert.equal(kinds(begun), "+0 move");
    assert.equal(begun[0].x, 5);
    assert.equal(kinds(touch.move(1, at(40, 5), 40)), "move");
    assert.equal(kinds(touch.down(2, at(90, 90), 50)), "");
    assert.equal(kinds(touch.up(1, 60)), "-0");
    assert.deepEqual(touch.up(2, 70), []);
  });

  test("two fingers are the wheel, in the direction in which the content moves", () => {
    const touch = new Touch();
    touch.down(1, at(100, 100), 0);
    assert.equal(kinds(touch.down(2, at(140, 100), 20)), "move");
    let dy = 0;
    for (const id of [1, 2]) dy += touch.move(id, at(100, 80), 40)[0].dy;
    assert.equal(dy, 20);
    assert.deepEqual(touch.up(1, 60), []);
    assert.deepEqual(touch.up(2, 80), []);
    touch.down(1, at(5, 5), 100);
    assert.equal(kinds(touch.up(1, 150)), "+0 -0");
  });

  test("what the system takes away is let go", () => {
    const touch = new Touch();
    touch.down(1, at(5, 5), 0);
    touch.move(1, at(50, 5), 10);
    assert.equal(kinds(touch.cancel(1)), "-0");
    assert.deepEqual(touch.cancel(1), []);
    assert.deepEqual(touch.up(1, 20), []);
    assert.deepEqual(touch.move(1, at(0, 0), 30), []);
    touch.down(1, at(5, 5), 100);
    touch.down(2, at(9, 9), 110);
    touch.cancel(2);
    assert.deepEqual(touch.up(1, 120), []);
  });
});

describe("the table at the top of touch.js", () => {
  const at = (x, y) => ({ x, y });
  const FAR = 100;
  const REST_MS = LONG_PRESS_MS;
  /** Brings a new Touch into a gesture, with finger 1 (and 2) at rest. */
  const START = {
    none: () => {},
    press: (touch) => touch.down(1, at(0, 0), 0),
    drag: (touch) => (touch.down(1, at(0, 0), 0), touch.move(1, at(FAR, 0), 10)),
    scroll: (touch) => (touch.down(1, at(0, 0), 0), touch.down(2, at(FAR, 0), 10)),
    done: (touch) => (touch.down(1, at(0, 0), 0), touch.tick(REST_MS)),
  };
  /** Makes the event of each row happen, in each of its forms. Returns the last actions. */
  const EVENTS = {
    "none: a finger goes down": [(touch) => touch.down(1, at(0, 0), 0)],
    "press: it goes up": [(touch) => touch.up(1, 20)],
    "press: it moves by `SLOP_PX`": [(touch) => touch.move(1, at(FAR, 0), 20)],
    "press: it rests for `LONG_PRESS_MS`": [
      (touch) => touch.tick(REST_MS),
      (touch) => touch.move(1, at(1, 0), REST_MS),
    ],
    "press: a second finger goes down": [(touch) => touch.down(2, at(FAR, 0), 20)],
    "press: the system takes it away": [(touch) => touch.cancel(1)],
    "drag: it moves": [(touch) => touch.move(1, at(2 * FAR, 0), 20)],
    "drag: it goes up, or the system takes it away": [
      (touch) => (touch.down(2, at(0, 0), 20), touch.up(1, 30)),
      (touch) => (touch.down(2, at(0, 0), 20), touch.cancel(1)),
    ],
    "scroll: a finger moves": [(touch) => touch.move(2, at(FAR, 50), 20)],
    "scroll: the system takes one of them away": [(touch) => touch.cancel(2)],
    "any: the last finger goes up": [(touch) => (touch.up(2, 20), touch.up(1, 20))],
  };
  const ACTIONS = {
    "": [""],
    "a click with the left button": ["+0 -0"],
    "a click with the right button": ["+2 -2"],
    "the left button goes down": ["+0 move"],
    "the left button goes up": ["-0"],
    "a move": ["move"],
    "a move to where it began": ["move"],
    "the wheel": ["scroll"],
    "those of its own row": ["", "+0 -0", "-0"],
  };
  const kinds = (actions) => actions.map((a) => (a.type === "button" ? `${a.down ? "+" : "-"}${a.button}` : a.type)).join(" ");

  /** Finds the gesture out by what comes of the next events, and ends it. */
  function gestureOf(touch) {
    if (touch.deadline_ms !== null) return "press";
    // Finger 3 is never down here. When it goes down, a press begins only if no finger is down.
    touch.down(3, at(0, 0), 30);
    if (touch.deadline_ms !== null) return "none";
    const moved = kinds([1, 2, 3].flatMap((id) => touch.move(id, at(3 * FAR, 3 * FAR), 40)));
    return moved === "" ? "done" : moved.includes("scroll") ? "scroll" : "drag";
  }

  test("has every event, each with what the fingers do", () => {
    const rows = tableOf("input/touch.js");
    assert.deepEqual(rows.map(([from, event]) => `${from}: ${event}`), Object.keys(EVENTS));
    for (const [state, event, next, actions] of rows) {
      for (const from of state === "any" ? Object.keys(START) : [state]) {
        for (const fire of EVENTS[`${state}: ${event}`]) {
          const touch = new Touch();
          START[from](touch);
          const seen = kinds(fire(touch));
          assert.ok(ACTIONS[actions].includes(seen), `${from}: ${event}: ${seen}`);
          assert.equal(gestureOf(touch), next, `${from}: ${event}`);
        }
      }
    }
  });
});
