/** Fingers as a pointer. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { LONG_PRESS_MS, Touch } from "../../../services/gateway/fanlight_gateway/web/input/touch.js";

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
    assert.equal(kinds(touch.up(1, 2000)), "+2 -2"); // the timer was late
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

  test("two fingers are the wheel, the way the content moves", () => {
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
