/** Key events to physical keys. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { isLeaveChord, isPasteChord, Keyboard, REPEAT_AGE_MS, TAP_REPEAT_MS } from "../../../services/gateway/fanlight_gateway/web/input/keyboard.js";
import { USAGE_BY_CODE } from "../../../services/gateway/fanlight_gateway/web/protocol/keys.js";

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
