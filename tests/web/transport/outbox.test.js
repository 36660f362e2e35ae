/** Tests what of the input is sent, waits, is merged or is dropped. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { Outbox } from "../../../services/gateway/fanlight_gateway/web/transport/outbox.js";

describe("outbox", () => {
  const move = (x) => ({ type: "PointerMove", x, y: 0 });
  const relative = (dx, dy) => ({ type: "PointerMoveRelative", dx, dy });
  const press = { type: "Key", down: true, usage: 4 };
  const click = { type: "PointerButton", down: true, button: 0, position: null };

  test("a free socket gets everything at once", () => {
    const box = new Outbox();
    assert.deepEqual(box.push(move(1), false), [move(1)]);
    assert.deepEqual(box.push(press, false), [press]);
    assert.equal(box.isWaiting, false);
  });

  test("repetitions are dropped where they would wait, and nothing else is", () => {
    const box = new Outbox();
    const again = { ...press, repeat: true };
    const up = { ...press, down: false };
    assert.deepEqual(box.push(again, false, false), [again]);
    assert.deepEqual(box.push(again, true, false), []);
    assert.deepEqual(box.push(again, false, true), []);
    for (const message of [press, up, click]) assert.deepEqual(box.push(message, true, true), [message]);
    box.push(move(1), true, true);
    assert.deepEqual(box.push(again, true, true), []);
    assert.deepEqual(box.push(up, true, true), [move(1), up]);
  });

  test("a busy one gets the newest position, once", () => {
    const box = new Outbox();
    for (let x = 0; x < 100; x++) assert.deepEqual(box.push(move(x), true), []);
    assert.equal(box.isWaiting, true);
    assert.deepEqual(box.take(), [move(99)]);
    assert.deepEqual(box.take(), []);
  });

  test("keys do not wait, and a position precedes its click", () => {
    const box = new Outbox();
    box.push(move(1), true);
    box.push(move(2), true);
    assert.deepEqual(box.push(click, true), [move(2), click]);
    assert.deepEqual(box.push(press, true), [press]);
  });

  test("relative moves are summed, and never overflow", () => {
    const box = new Outbox();
    box.push(relative(30_000, -5), true);
    box.push(relative(2000, 5), true);
    box.push(relative(2000, 1), true);
    assert.deepEqual(box.take(), [relative(32_000, 0), relative(2000, 1)]);
    box.push(relative(0, -32_000), true);
    box.push(relative(0, -2000), true);
    assert.equal(box.take().length, 2);
  });

  test("relative moves after a position stay after it; a position makes those before it pointless", () => {
    const box = new Outbox();
    box.push(relative(1, 1), true);
    box.push(move(5), true);
    box.push(relative(2, 2), true);
    assert.deepEqual(box.take(), [move(5), relative(2, 2)]);
  });

  test("what was pushed is not changed", () => {
    const box = new Outbox();
    const first = relative(1, 1);
    box.push(first, true);
    box.push(relative(1, 1), true);
    assert.deepEqual(first, relative(1, 1));
  });
});
