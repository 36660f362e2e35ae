/** What a person does: keys, wheel, fingers, positions, and the way out to the socket. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { letterbox, toFractions, within } from "../../../services/gateway/fanlight_gateway/web/element/geometry.js";
import {
  isLeaveChord, isPasteChord, Keyboard, REPEAT_AGE_MS, TAP_REPEAT_MS,
} from "../../../services/gateway/fanlight_gateway/web/input/keyboard.js";
import { USAGE_BY_CODE } from "../../../services/gateway/fanlight_gateway/web/protocol/keys.js";
import { Outbox } from "../../../services/gateway/fanlight_gateway/web/transport/outbox.js";
import { LONG_PRESS_MS, Touch } from "../../../services/gateway/fanlight_gateway/web/input/touch.js";
import { WheelSteps } from "../../../services/gateway/fanlight_gateway/web/input/wheel.js";

const key = (code, more = {}) => ({ code, key: "x", repeat: false, isComposing: false, ...more });
const names = Object.fromEntries(Object.entries(USAGE_BY_CODE).map(([code, usage]) => [usage, code]));
const told = (keys) => keys && keys.map(({ down, usage, repeat }) => `${repeat ? "*" : down ? "+" : "-"}${names[usage]}`).join(" ");

describe("keyboard", () => {
  const again = (code) => key(code, { repeat: true });

  test("places, not letters; a repetition is a marked key-down", () => {
    const keyboard = new Keyboard("other");
    assert.equal(told(keyboard.down(key("KeyQ"))), "+KeyQ");
    assert.deepEqual(keyboard.down(again("KeyQ")), [
      { type: "Key", down: true, usage: USAGE_BY_CODE.KeyQ, repeat: true },
    ]);
    assert.equal(told(keyboard.up(key("KeyQ"))), "-KeyQ");
    assert.equal(told(keyboard.up(key("KeyQ"))), "");
  });

  test("a repetition that the page was late for is none; a press and its end always count", () => {
    const keyboard = new Keyboard("other");
    assert.equal(told(keyboard.down(key("Backspace"), 5000)), "+Backspace");
    assert.equal(told(keyboard.down(again("Backspace"), REPEAT_AGE_MS + 1)), "");
    assert.equal(told(keyboard.down(again("Backspace"), REPEAT_AGE_MS)), "*Backspace");
    assert.equal(told(keyboard.up(key("Backspace"))), "-Backspace");
  });

  test("modifiers and locks never repeat", () => {
    const keyboard = new Keyboard("windows");
    for (const code of ["ShiftLeft", "ControlRight", "AltRight", "MetaLeft", "CapsLock", "NumLock", "ScrollLock"]) {
      assert.equal(told(keyboard.down(key(code))), `+${code}`);
      assert.equal(told(keyboard.down(again(code))), "");
    }
    assert.equal(told(keyboard.down(key("ControlLeft"))), "");
    assert.equal(told(keyboard.flush()), "+ControlLeft");
    assert.equal(told(keyboard.down(again("ControlLeft"))), "");
  });

  test("a phone's edits are taps, and many in a row are a key that is held", () => {
    const keyboard = new Keyboard("other");
    assert.equal(told(keyboard.tap("Backspace", 1000)), "+Backspace -Backspace");
    assert.equal(told(keyboard.tap("Backspace", 1000 + TAP_REPEAT_MS)), "+Backspace -Backspace");
    assert.equal(told(keyboard.tap("Backspace", 1050 + TAP_REPEAT_MS)), "*Backspace -Backspace");
    assert.equal(told(keyboard.tap("Enter", 1060 + TAP_REPEAT_MS)), "+Enter -Enter");
    assert.equal(told(keyboard.up(key("Enter"))), "");
  });

  test("a repetition of a key whose beginning was missed is its beginning", () => {
    const keyboard = new Keyboard("other");
    assert.equal(told(keyboard.down(key("KeyQ", { repeat: true }))), "+KeyQ");
  });

  test("what has no place is text", () => {
    const keyboard = new Keyboard("other");
    for (const event of [
      key(""),
      key("KeyA", { key: "Process" }),
      key("KeyA", { key: "Unidentified" }),
      key("KeyA", { isComposing: true }),
      key("BrowserHome"),
      key("constructor"),
    ]) {
      assert.equal(keyboard.down(event), null);
    }
    assert.deepEqual(keyboard.up(key("constructor")), []);
  });

  test("AltGr on Windows is not Control as well", () => {
    const keyboard = new Keyboard("windows");
    assert.equal(told(keyboard.down(key("ControlLeft"))), "");
    assert.equal(keyboard.waiting, true);
    assert.equal(told(keyboard.down(key("AltRight"))), "+AltRight");
    assert.equal(keyboard.waiting, false);
    assert.equal(told(keyboard.up(key("ControlLeft"))), "");
    assert.equal(told(keyboard.up(key("AltRight"))), "-AltRight");
  });

  test("Control on Windows goes before the key that follows, or after a moment", () => {
    const keyboard = new Keyboard("windows");
    keyboard.down(key("ControlLeft"));
    assert.equal(told(keyboard.down(key("KeyC"))), "+ControlLeft +KeyC");
    assert.equal(told(keyboard.up(key("KeyC"))), "-KeyC");
    assert.equal(told(keyboard.up(key("ControlLeft"))), "-ControlLeft");
    keyboard.down(key("ControlLeft"));
    assert.equal(told(keyboard.flush()), "+ControlLeft");
    assert.equal(told(keyboard.flush()), "");
    keyboard.up(key("ControlLeft"));
    keyboard.down(key("ControlLeft"));
    assert.equal(told(keyboard.up(key("ControlLeft"))), "+ControlLeft -ControlLeft");
  });

  test("CapsLock and Command on a Mac", () => {
    const keyboard = new Keyboard("mac");
    assert.equal(told(keyboard.down(key("CapsLock"))), "+CapsLock -CapsLock");
    assert.equal(told(keyboard.up(key("CapsLock"))), "+CapsLock -CapsLock");
    keyboard.down(key("MetaLeft"));
    keyboard.down(key("ShiftLeft"));
    keyboard.down(key("KeyC"));
    assert.equal(told(keyboard.up(key("MetaLeft"))), "-MetaLeft -KeyC");
    assert.equal(told(keyboard.up(key("ShiftLeft"))), "-ShiftLeft");
  });

  test("PrintScreen is told by its key-up only, on some systems", () => {
    const keyboard = new Keyboard("windows");
    assert.equal(told(keyboard.up(key("PrintScreen"))), "+PrintScreen -PrintScreen");
    keyboard.down(key("PrintScreen"));
    assert.equal(told(keyboard.up(key("PrintScreen"))), "-PrintScreen");
  });

  test("after the focus went nothing is held", () => {
    const keyboard = new Keyboard("windows");
    keyboard.down(key("KeyA"));
    keyboard.down(key("ControlLeft"));
    keyboard.reset();
    assert.deepEqual(keyboard.flush(), []);
    assert.equal(told(keyboard.up(key("KeyA"))), "");
  });

  test("the chords of the page", () => {
    const chord = (code, held = "") => ({
      code,
      ctrlKey: held.includes("c"),
      altKey: held.includes("a"),
      shiftKey: held.includes("s"),
      metaKey: held.includes("m"),
    });
    assert.equal(isLeaveChord(chord("KeyK", "cas")), true);
    assert.equal(isLeaveChord(chord("KeyK", "ca")), false);
    assert.equal(isPasteChord(chord("KeyV", "c")), true);
    assert.equal(isPasteChord(chord("KeyV", "m")), true);
    assert.equal(isPasteChord(chord("Insert", "s")), true);
    for (const other of [chord("KeyV"), chord("KeyV", "ca"), chord("KeyC", "c"), chord("Insert", "cs")]) {
      assert.equal(isPasteChord(other), false);
    }
  });
});

describe("geometry", () => {
  const box = { x: 10, y: 20, width: 400, height: 400 };

  test("the picture is in the middle, as large as it fits", () => {
    assert.deepEqual(letterbox(box, 1920, 1080), { x: 10, y: 107.5, width: 400, height: 225 });
    assert.deepEqual(letterbox(box, 100, 200), { x: 110, y: 20, width: 200, height: 400 });
    assert.deepEqual(letterbox(box, 0, 0), box);
  });

  test("every pixel of a desk comes back as itself", () => {
    for (const size of [1, 2, 3, 719, 1080, 1366, 1920, 3840, 5120]) {
      const picture = { x: 0, y: 0, width: size, height: 1 };
      for (let pixel = 0; pixel < size; pixel++) {
        const [x] = toFractions(pixel + 0.5, 0, picture, { width: size, height: 1 });
        assert.equal(Math.floor((x * size) / 65536), pixel);
      }
    }
  });

  test("beside the picture is its edge; nonsense is a number all the same", () => {
    const desk = { width: 1920, height: 1080 };
    const picture = letterbox(box, 1920, 1080);
    assert.deepEqual(toFractions(-99, 999, picture, desk).map((part, i) => (part * [1920, 1080][i]) >> 16), [0, 1079]);
    assert.deepEqual(toFractions(0, 0, { x: 0, y: 0, width: 0, height: 0 }, desk), [0, 0]);
  });

  test("within", () => {
    assert.equal(within(10, 20, box), true);
    assert.equal(within(410, 20, box), false);
    assert.equal(within(9, 20, box), false);
    assert.equal(within(10, 19, box), false);
    assert.equal(within(10, 420, box), false);
  });
});

describe("wheel", () => {
  const turn = (deltaY, deltaMode = 0, more = {}) => new WheelSteps().turn({ deltaX: 0, deltaY, deltaMode, ...more });

  test("pixels, lines and pages", () => {
    assert.deepEqual(turn(100), { dx: 0, dy: 120 });
    assert.deepEqual(turn(-3, 1), { dx: 0, dy: -120 });
    assert.deepEqual(turn(1, 2), { dx: 0, dy: 600 });
    assert.deepEqual(turn(100, 9), { dx: 0, dy: 120 });
  });

  test("whole notches where the browser counts them", () => {
    assert.deepEqual(turn(53, 0, { wheelDeltaY: -120 }), { dx: 0, dy: 120 });
    assert.deepEqual(turn(50, 0, { wheelDeltaY: -150 }), { dx: 0, dy: 60 });
  });

  test("small steps add up, and nothing is lost or too large", () => {
    const wheel = new WheelSteps();
    let sum = 0;
    for (let i = 0; i < 1000; i++) sum += wheel.turn({ deltaX: 0.25, deltaY: 0, deltaMode: 0 })?.dx ?? 0;
    assert.ok(Math.abs(sum - 300) <= 1);
    assert.deepEqual(turn(1e9), { dx: 0, dy: 32767 });
  });
});

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

describe("outbox", () => {
  const move = (x) => ({ type: "PointerMove", x, y: 0 });
  const relative = (dx, dy) => ({ type: "PointerMoveRelative", dx, dy });
  const press = { type: "Key", down: true, usage: 4 };
  const click = { type: "PointerButton", down: true, button: 0, position: null };

  test("a free socket gets everything at once", () => {
    const box = new Outbox();
    assert.deepEqual(box.push(move(1), false), [move(1)]);
    assert.deepEqual(box.push(press, false), [press]);
    assert.equal(box.waiting, false);
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
    assert.equal(box.waiting, true);
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
