/** Tests mouse, pen and fingers with events that are made by hand. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { Pointer } from "../../../services/gateway/fanlight_gateway/web/input/pointer.js";
import { LONG_PRESS_MS } from "../../../services/gateway/fanlight_gateway/web/input/touch.js";

/** Returns a desk of 200 x 100 pixels that is shown at half its size, 10 pixels from the left. */
function desk({ isEnabled = true } = {}) {
  const log = [];
  const host = {
    now_ms: 0,
    isPointerLocked: false,
    picture: () => ({ x: 10, y: 0, width: 100, height: 50 }),
    desk: () => ({ width: 200, height: 100 }),
    isLocked: () => host.isPointerLocked,
    now: () => host.now_ms,
    send: (messages) => log.push(...messages.map(short)),
    onover: (isOver) => log.push(isOver ? "over" : "out"),
  };
  const pointer = new Pointer(host);
  pointer.isEnabled = isEnabled;
  const at = (clientX, clientY, more = {}) => ({
    pointerId: 1,
    pointerType: "mouse",
    button: 0,
    buttons: 0,
    clientX,
    clientY,
    movementX: 0,
    movementY: 0,
    timeStamp: host.now_ms,
    ...more,
  });
  const finger = (clientX, clientY, more = {}) => at(clientX, clientY, { pointerType: "touch", ...more });
  return { pointer, host, at, finger, take: () => log.splice(0) };
}

/** Returns a message in short, with its position in pixels of the desk. */
function short(message) {
  const where = (position) => (position ? ` ${(position[0] * 200) >> 16},${(position[1] * 100) >> 16}` : "");
  switch (message.type) {
    case "PointerMove":
      return `move${where([message.x, message.y])}`;
    case "PointerMoveRelative":
      return `by ${message.dx},${message.dy}`;
    case "PointerButton":
      return `${message.down ? "+" : "-"}${message.button}${where(message.position)}`;
    case "Wheel":
      return `wheel ${message.dx},${message.dy}${where(message.position)}`;
  }
}

const MOVED = { button: -1 };

describe("a mouse", () => {
  test("moves, and presses where it is", () => {
    const { pointer, at, take } = desk();
    pointer.move(at(60, 25, MOVED));
    pointer.down(at(60, 25));
    pointer.up(at(61, 25));
    assert.deepEqual(take(), ["over", "move 100,50", "+0 100,50", "-0 102,50"]);
  });

  test("beside the picture presses its edge, and is not the desk's pointer", () => {
    const { pointer, at, take } = desk();
    pointer.enter(at(5, 25));
    pointer.down(at(5, 99));
    assert.deepEqual(take(), ["out", "+0 0,99"]);
    pointer.leave();
    assert.deepEqual(take(), ["out"]);
  });

  test("a second button comes as a move", () => {
    const { pointer, at, take } = desk();
    pointer.down(at(60, 25));
    pointer.move(at(60, 25, { button: 2, buttons: 1 | 2 }));
    pointer.move(at(60, 25, { button: 2, buttons: 1 }));
    pointer.up(at(60, 25));
    assert.deepEqual(take(), ["+0 100,50", "+2 100,50", "-2 100,50", "-0 100,50"]);
  });

  test("a button is told once, and one that the desk does not know never", () => {
    const { pointer, at, take } = desk();
    pointer.down(at(60, 25));
    pointer.down(at(60, 25));
    pointer.down(at(60, 25, { button: 5 }));
    pointer.up(at(60, 25, { button: 1 }));
    assert.deepEqual(take(), ["+0 100,50"]);
  });

  test("that the browser takes away lets its buttons go", () => {
    const { pointer, at, take } = desk();
    pointer.down(at(60, 25));
    pointer.down(at(60, 25, { button: 1 }));
    take();
    pointer.cancel(at(60, 25));
    assert.deepEqual(take(), ["-0", "-1"]);
    pointer.up(at(60, 25));
    assert.deepEqual(take(), []);
  });

  test("forgets its buttons when the gateway has released them", () => {
    const { pointer, at, take } = desk();
    pointer.down(at(60, 25));
    pointer.reset();
    take();
    pointer.up(at(60, 25));
    pointer.down(at(60, 25));
    assert.deepEqual(take(), ["+0 100,50"]);
  });

  test("that is locked sends relative moves in pixels of the desk, and loses no fraction", () => {
    const { pointer, host, at, take } = desk();
    host.isPointerLocked = true;
    pointer.move(at(60, 25, { ...MOVED, movementX: 0.25, movementY: -3 }));
    pointer.move(at(60, 25, { ...MOVED, movementX: 0.25 }));
    pointer.down(at(60, 25));
    pointer.wheel({ deltaX: 0, deltaY: 100, deltaMode: 0, clientX: 60, clientY: 25 });
    assert.deepEqual(take(), ["by 0,-6", "by 1,0", "+0", "wheel 0,120"]);
  });

  test("turns the wheel where it is", () => {
    const { pointer, take } = desk();
    pointer.wheel({ deltaX: 0, deltaY: 100, deltaMode: 0, clientX: 60, clientY: 25 });
    pointer.wheel({ deltaX: 0, deltaY: 0.1, deltaMode: 0, clientX: 60, clientY: 25 });
    assert.deepEqual(take(), ["wheel 0,120 100,50"]);
  });

  test("of a person who only watches sends nothing", () => {
    const { pointer, at, finger, take } = desk({ isEnabled: false });
    pointer.enter(at(60, 25));
    pointer.down(at(60, 25));
    pointer.move(at(60, 25, MOVED));
    pointer.up(at(60, 25));
    pointer.down(finger(60, 25));
    pointer.wheel({ deltaX: 0, deltaY: 100, deltaMode: 0, clientX: 60, clientY: 25 });
    assert.deepEqual(take(), ["out"]);
  });
});

describe("fingers", () => {
  test("a tap clicks, and is not the desk's pointer", () => {
    const { pointer, finger, take } = desk();
    pointer.enter(finger(60, 25));
    pointer.down(finger(60, 25));
    pointer.up(finger(60, 25));
    assert.deepEqual(take(), ["out", "+0 100,50", "-0 100,50"]);
  });

  test("one that rests is the right button, without a further event", (context) => {
    context.mock.timers.enable({ apis: ["setTimeout"] });
    const { pointer, host, finger, take } = desk();
    pointer.down(finger(60, 25));
    host.now_ms = LONG_PRESS_MS;
    context.mock.timers.tick(LONG_PRESS_MS + 1);
    assert.deepEqual(take(), ["+2 100,50", "-2 100,50"]);
    pointer.up(finger(60, 25));
    context.mock.timers.tick(LONG_PRESS_MS + 1);
    assert.deepEqual(take(), []);
  });

  test("one that rested when the view stopped does nothing", (context) => {
    context.mock.timers.enable({ apis: ["setTimeout"] });
    const { pointer, host, finger, take } = desk();
    pointer.down(finger(60, 25));
    pointer.stop();
    host.now_ms = LONG_PRESS_MS;
    context.mock.timers.tick(LONG_PRESS_MS + 1);
    assert.deepEqual(take(), []);
  });

  test("one that drags is the left button, and the system may take it away", () => {
    const { pointer, finger, take } = desk();
    pointer.down(finger(60, 25));
    pointer.move(finger(90, 25));
    pointer.cancel(finger(90, 25));
    assert.deepEqual(take(), ["+0 100,50", "move 160,50", "-0 160,50"]);
  });

  test("two are the wheel where the first one began", () => {
    const { pointer, finger, take } = desk();
    pointer.down(finger(60, 25));
    pointer.down(finger(80, 25, { pointerId: 2 }));
    pointer.move(finger(60, 5));
    assert.deepEqual(take(), ["move 100,50", "wheel 0,12 100,50"]);
  });
});
