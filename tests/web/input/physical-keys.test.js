/** Tests that key events become physical keys. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { PhysicalKeys, REPEAT_AGE_MS, TAP_REPEAT_MS } from "../../../services/gateway/fanlight_gateway/web/input/physical-keys.js";
import { USAGE_BY_CODE } from "../../../services/gateway/fanlight_gateway/web/protocol/keys.js";
import { tableOf } from "../tables.js";

const key = (code, more = {}) => ({ code, key: "x", repeat: false, isComposing: false, ...more });
const names = Object.fromEntries(Object.entries(USAGE_BY_CODE).map(([code, usage]) => [usage, code]));
const told = (keys) => keys && keys.map(({ down, usage, repeat }) => `${repeat ? "*" : down ? "+" : "-"}${names[usage]}`).join(" ");

describe("physical keys", () => {
  const again = (code) => key(code, { repeat: true });

  test("places, not letters; a repetition is a marked key-down", () => {
    const keys = new PhysicalKeys("other");
    assert.equal(told(keys.down(key("KeyQ"))), "+KeyQ");
    assert.deepEqual(keys.down(again("KeyQ")), [
      { type: "Key", down: true, usage: USAGE_BY_CODE.KeyQ, repeat: true },
    ]);
    assert.equal(told(keys.up(key("KeyQ"))), "-KeyQ");
    assert.equal(told(keys.up(key("KeyQ"))), "");
  });

  test("a repetition that the page was late for is none; a press and its end always count", () => {
    const keys = new PhysicalKeys("other");
    assert.equal(told(keys.down(key("Backspace"), 5000)), "+Backspace");
    assert.equal(told(keys.down(again("Backspace"), REPEAT_AGE_MS + 1)), "");
    assert.equal(told(keys.down(again("Backspace"), REPEAT_AGE_MS)), "*Backspace");
    assert.equal(told(keys.up(key("Backspace"))), "-Backspace");
  });

  test("modifiers and locks never repeat", () => {
    const keys = new PhysicalKeys("windows");
    for (const code of ["ShiftLeft", "ControlRight", "AltRight", "MetaLeft", "CapsLock", "NumLock", "ScrollLock"]) {
      assert.equal(told(keys.down(key(code))), `+${code}`);
      assert.equal(told(keys.down(again(code))), "");
    }
    assert.equal(told(keys.down(key("ControlLeft"))), "");
    assert.equal(told(keys.flush()), "+ControlLeft");
    assert.equal(told(keys.down(again("ControlLeft"))), "");
  });

  test("a phone's edits are taps, and many in a row are a key that is held", () => {
    const keys = new PhysicalKeys("other");
    assert.equal(told(keys.tap("Backspace", 1000)), "+Backspace -Backspace");
    assert.equal(told(keys.tap("Backspace", 1000 + TAP_REPEAT_MS)), "+Backspace -Backspace");
    assert.equal(told(keys.tap("Backspace", 1050 + TAP_REPEAT_MS)), "*Backspace -Backspace");
    assert.equal(told(keys.tap("Enter", 1060 + TAP_REPEAT_MS)), "+Enter -Enter");
    assert.equal(told(keys.up(key("Enter"))), "");
  });

  test("a repetition of a key whose beginning was missed is its beginning", () => {
    const keys = new PhysicalKeys("other");
    assert.equal(told(keys.down(key("KeyQ", { repeat: true }))), "+KeyQ");
  });

  test("what has no place is text", () => {
    const keys = new PhysicalKeys("other");
    for (const event of [
      key(""),
      key("KeyA", { key: "Process" }),
      key("KeyA", { key: "Unidentified" }),
      key("KeyA", { isComposing: true }),
      key("BrowserHome"),
      key("constructor"),
    ]) {
      assert.equal(keys.down(event), null);
    }
    assert.deepEqual(keys.up(key("constructor")), []);
  });

  test("AltGr on Windows is not Control as well", () => {
    const keys = new PhysicalKeys("windows");
    assert.equal(told(keys.down(key("ControlLeft"))), "");
    assert.equal(keys.isWaiting, true);
    assert.equal(told(keys.down(key("AltRight"))), "+AltRight");
    assert.equal(keys.isWaiting, false);
    assert.equal(told(keys.up(key("ControlLeft"))), "");
    assert.equal(told(keys.up(key("AltRight"))), "-AltRight");
  });

  test("Control on Windows goes before the key that follows, or after a moment", () => {
    const keys = new PhysicalKeys("windows");
    keys.down(key("ControlLeft"));
    assert.equal(told(keys.down(key("KeyC"))), "+ControlLeft +KeyC");
    assert.equal(told(keys.up(key("KeyC"))), "-KeyC");
    assert.equal(told(keys.up(key("ControlLeft"))), "-ControlLeft");
    keys.down(key("ControlLeft"));
    assert.equal(told(keys.flush()), "+ControlLeft");
    assert.equal(told(keys.flush()), "");
    keys.up(key("ControlLeft"));
    keys.down(key("ControlLeft"));
    assert.equal(told(keys.up(key("ControlLeft"))), "+ControlLeft -ControlLeft");
  });

  test("CapsLock and Command on a Mac", () => {
    const keys = new PhysicalKeys("mac");
    assert.equal(told(keys.down(key("CapsLock"))), "+CapsLock -CapsLock");
    assert.equal(told(keys.up(key("CapsLock"))), "+CapsLock -CapsLock");
    keys.down(key("MetaLeft"));
    keys.down(key("ShiftLeft"));
    keys.down(key("KeyC"));
    assert.equal(told(keys.up(key("MetaLeft"))), "-MetaLeft -KeyC");
    assert.equal(told(keys.up(key("ShiftLeft"))), "-ShiftLeft");
  });

  test("PrintScreen is told by its key-up only, on some systems", () => {
    const keys = new PhysicalKeys("windows");
    assert.equal(told(keys.up(key("PrintScreen"))), "+PrintScreen -PrintScreen");
    keys.down(key("PrintScreen"));
    assert.equal(told(keys.up(key("PrintScreen"))), "-PrintScreen");
  });

  test("after the focus went nothing is held", () => {
    const keys = new PhysicalKeys("windows");
    keys.down(key("KeyA"));
    keys.down(key("ControlLeft"));
    keys.reset();
    assert.deepEqual(keys.flush(), []);
    assert.equal(told(keys.up(key("KeyA"))), "");
  });
});

describe("the table at the top of physical-keys.js", () => {
  /** The events of each row by its number, and the keys that each sends for itself (`own`). */
  const ROWS = {
    1: [{ fire: (keys) => keys.down(key("ControlLeft")), own: "" }],
    2: [{ fire: (keys) => keys.down(key("AltRight")), own: "+AltRight" }],
    3: [
      { fire: (keys) => keys.down(key("KeyC")), own: "+KeyC" },
      { fire: (keys) => keys.up(key("KeyC")), own: "" },
      { fire: (keys) => keys.up(key("ControlLeft")), own: "-ControlLeft" },
      { fire: (keys) => keys.tap("Enter", 0), own: "+Enter -Enter" },
    ],
    4: [{ fire: (keys) => keys.flush(), own: "" }],
    5: [{ fire: (keys) => (keys.reset(), []), own: "" }],
  };
  const KEYS = {
    "": () => "",
    "+AltRight": () => "+AltRight",
    "+ControlLeft": () => "+ControlLeft",
    "+ControlLeft, and its own": (own) => `+ControlLeft ${own}`.trim(),
  };
  const rows = tableOf("input/physical-keys.js");

  test("has a test for each of its rows", () => {
    assert.deepEqual(rows.map(([, event]) => String(parseInt(event, 10))), Object.keys(ROWS));
  });

  for (const [state, event, next, sent] of rows) {
    test(`${state}, ${event}`, () => {
      for (const { fire, own } of ROWS[parseInt(event, 10)]) {
        const keys = new PhysicalKeys("windows");
        if (state === "waiting") keys.down(key("ControlLeft"));
        assert.equal(told(fire(keys)), KEYS[sent](own));
        assert.equal(keys.isWaiting ? "waiting" : "none", next);
      }
    });
  }
});
