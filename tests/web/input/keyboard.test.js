/** Tests what goes to the desk, and in which order, with keyboard events that are made by hand. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { FILLER, Keyboard } from "../../../services/gateway/fanlight_gateway/web/input/keyboard.js";
import { PASTE_WAIT_MS } from "../../../services/gateway/fanlight_gateway/web/input/paste-delay.js";
import { ALTGR_WAIT_MS, REPEAT_AGE_MS } from "../../../services/gateway/fanlight_gateway/web/input/physical-keys.js";
import { USAGE_BY_CODE } from "../../../services/gateway/fanlight_gateway/web/protocol/keys.js";

const CODES = Object.fromEntries(Object.entries(USAGE_BY_CODE).map(([code, usage]) => [usage, code]));

/** Returns a message in short: "+KeyA" down, "*KeyA" repeated, "-KeyA" up, or the text in quotes. */
function short(message) {
  if (message.type === "Text") return JSON.stringify(message.text);
  return `${message.repeat ? "*" : message.down ? "+" : "-"}${CODES[message.usage]}`;
}

/** Returns a keyboard whose person may act, and a log of everything that it does. */
function desk({ platform = "other", isEnabled = true } = {}) {
  const log = [];
  const textArea = { value: FILLER, blur: () => log.push("blur") };
  const host = {
    now_ms: 1000,
    textArea,
    platform,
    now: () => host.now_ms,
    copyToDesk: (text) => log.push(`clipboard ${text}`),
    send: (messages) => log.push(...messages.map(short)),
    onleave: () => log.push("leave"),
  };
  const keyboard = new Keyboard(host);
  keyboard.isEnabled = isEnabled;
  /** Makes an event that notes whether the browser may act on it as well. */
  const make = (code, more = {}) => {
    const event = {
      code,
      key: "x",
      repeat: false,
      isComposing: false,
      ctrlKey: false,
      altKey: false,
      shiftKey: false,
      metaKey: false,
      timeStamp: host.now_ms,
      isPrevented: false,
      isStopped: false,
      preventDefault() {
        this.isPrevented = true;
      },
      stopPropagation() {
        this.isStopped = true;
      },
      ...more,
    };
    return event;
  };
  const down = (code, more) => {
    const event = make(code, more);
    keyboard.keydown(event);
    return event;
  };
  const up = (code, more) => {
    const event = make(code, more);
    keyboard.keyup(event);
    return event;
  };
  const type = (text, more = {}) => {
    textArea.value += text;
    keyboard.input({ inputType: "insertText", isComposing: false, timeStamp: host.now_ms, ...more });
  };
  const edit = (inputType) => {
    keyboard.input({ inputType, isComposing: false, timeStamp: host.now_ms });
  };
  const paste = (text) => {
    const event = { ...make(""), clipboardData: { getData: () => text } };
    keyboard.paste(event);
    return event;
  };
  const take = () => log.splice(0);
  return { keyboard, host, textArea, down, up, type, edit, paste, take };
}

describe("keys", () => {
  test("go to the desk, and neither to the browser nor to the page", () => {
    const { down, up, take } = desk();
    const pressed = down("KeyA");
    const released = up("KeyA");
    assert.deepEqual(take(), ["+KeyA", "-KeyA"]);
    for (const event of [pressed, released]) {
      assert.deepEqual([event.isPrevented, event.isStopped], [true, true]);
    }
  });

  test("of a person who only watches stay with the page", () => {
    const { down, up, type, paste, take } = desk({ isEnabled: false });
    const pressed = down("Tab");
    const released = up("Tab");
    type("x");
    paste("x");
    assert.deepEqual(take(), []);
    for (const event of [pressed, released]) {
      assert.deepEqual([event.isPrevented, event.isStopped], [false, false]);
    }
  });

  test("a repetition that has waited for the page is dropped", () => {
    const { host, down, take } = desk();
    down("Backspace");
    const timeStamp = host.now_ms;
    host.now_ms += REPEAT_AGE_MS;
    down("Backspace", { repeat: true, timeStamp });
    host.now_ms += 1;
    down("Backspace", { repeat: true, timeStamp });
    assert.deepEqual(take(), ["+Backspace", "*Backspace"]);
  });

  test("Ctrl+Alt+Shift+K gives the keyboard back to the page", () => {
    const { down, take } = desk();
    const event = down("KeyK", { ctrlKey: true, altKey: true, shiftKey: true });
    assert.deepEqual(take(), ["blur", "leave"]);
    assert.equal(event.isPrevented, true);
  });

  test("a ControlLeft on Windows goes by itself after a moment, and not as a part of AltGr", (context) => {
    context.mock.timers.enable({ apis: ["setTimeout"] });
    const { down, up, take } = desk({ platform: "windows" });
    down("ControlLeft");
    assert.deepEqual(take(), []);
    context.mock.timers.tick(ALTGR_WAIT_MS);
    assert.deepEqual(take(), ["+ControlLeft"]);
    up("ControlLeft");
    take();
    down("ControlLeft");
    down("AltRight");
    context.mock.timers.tick(ALTGR_WAIT_MS);
    assert.deepEqual(take(), ["+AltRight"]);
  });

  test("are forgotten when the desk loses the keyboard", (context) => {
    context.mock.timers.enable({ apis: ["setTimeout"] });
    const { keyboard, down, up, take } = desk();
    down("KeyA");
    down("ControlLeft");
    down("KeyV", { ctrlKey: true });
    take();
    keyboard.release();
    context.mock.timers.tick(PASTE_WAIT_MS);
    up("KeyA");
    assert.deepEqual(take(), []);
  });
});

describe("text", () => {
  test("of keys without a place comes from the text area, which is emptied", () => {
    const { textArea, down, type, take } = desk();
    const event = down("", { key: "Unidentified" });
    assert.deepEqual([event.isPrevented, event.isStopped], [false, false]);
    type("é");
    assert.deepEqual(take(), ['"é"']);
    assert.equal(textArea.value, FILLER);
  });

  test("of an input method is sent when it has decided", () => {
    const { keyboard, type, take } = desk();
    type("に", { isComposing: true });
    type("ほん", { isComposing: true });
    assert.deepEqual(take(), []);
    keyboard.takeText();
    assert.deepEqual(take(), ['"にほん"']);
    keyboard.takeText();
    assert.deepEqual(take(), []);
  });

  test("a phone's Backspace and Enter are keys, and there is always something to delete", () => {
    const { host, textArea, edit, take } = desk();
    textArea.value = "";
    edit("deleteContentBackward");
    assert.equal(textArea.value, FILLER);
    host.now_ms += 1000;
    edit("insertLineBreak");
    host.now_ms += 1000;
    edit("deleteContentForward");
    assert.deepEqual(take(), ["+Backspace", "-Backspace", "+Enter", "-Enter", "+Delete", "-Delete"]);
  });
});

describe("pasting", () => {
  test("the text is on the desk before the key, and later keys stay behind it", (context) => {
    context.mock.timers.enable({ apis: ["setTimeout"] });
    const { down, up, paste, take } = desk();
    down("ControlLeft");
    take();
    const event = down("KeyV", { ctrlKey: true });
    assert.equal(event.isPrevented, false, "the browser has to paste");
    up("KeyV", { ctrlKey: true });
    down("KeyA");
    assert.deepEqual(take(), []);
    assert.equal(paste("text").isPrevented, true);
    assert.deepEqual(take(), ["clipboard text", "+KeyV", "-KeyV", "+KeyA"]);
    context.mock.timers.tick(PASTE_WAIT_MS);
    assert.deepEqual(take(), []);
  });

  test("a browser that hands over no text delays the keys a little", (context) => {
    context.mock.timers.enable({ apis: ["setTimeout"] });
    const { down, take } = desk();
    down("KeyV", { ctrlKey: true });
    context.mock.timers.tick(PASTE_WAIT_MS - 1);
    assert.deepEqual(take(), []);
    context.mock.timers.tick(1);
    assert.deepEqual(take(), ["+KeyV"]);
  });

  test("a second key that pastes does not wait longer than the first", (context) => {
    context.mock.timers.enable({ apis: ["setTimeout"] });
    const { down, up, take } = desk();
    down("KeyV", { ctrlKey: true });
    up("KeyV", { ctrlKey: true });
    context.mock.timers.tick(PASTE_WAIT_MS - 1);
    down("KeyV", { ctrlKey: true });
    context.mock.timers.tick(1);
    assert.deepEqual(take(), ["+KeyV", "-KeyV", "+KeyV"]);
  });

  test("a repetition pastes what is there by then", () => {
    const { down, paste, take } = desk();
    down("KeyV", { ctrlKey: true });
    paste("text");
    take();
    const event = down("KeyV", { ctrlKey: true, repeat: true });
    assert.equal(event.isPrevented, true);
    assert.deepEqual(take(), ["*KeyV"]);
  });

  test("by the browser's menu, without a key", () => {
    const { paste, take } = desk();
    paste("text");
    assert.deepEqual(take(), ["clipboard text"]);
  });
});
