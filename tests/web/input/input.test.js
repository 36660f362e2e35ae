/** Tests the listeners and the focus, with events and targets that are made by hand. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";

import { Input } from "../../../services/gateway/fanlight_gateway/web/input/input.js";
import { FILLER } from "../../../services/gateway/fanlight_gateway/web/input/keyboard.js";
import { PASTE_WAIT_MS } from "../../../services/gateway/fanlight_gateway/web/input/paste-delay.js";
import { LONG_PRESS_MS } from "../../../services/gateway/fanlight_gateway/web/input/touch.js";
import { USAGE_BY_CODE } from "../../../services/gateway/fanlight_gateway/web/protocol/keys.js";
import { tableOf } from "../tables.js";

const CODES = Object.fromEntries(Object.entries(USAGE_BY_CODE).map(([code, usage]) => [usage, code]));
const MOVED = { button: -1 };
const real = ["document", "navigator"].map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)]);

/** An event target that has one listener for each type, until its signal aborts. */
class Target {
  listeners = new Map();

  addEventListener(type, listener, { signal }) {
    assert.ok(!this.listeners.has(type), `${type} has a listener already`);
    this.listeners.set(type, { listener, signal });
  }

  get listening() {
    return [...this.listeners.values()].filter(({ signal }) => !signal.aborted).length;
  }

  /** Gives an event to its listener. Returns "default" if the browser acts on it as well. */
  fire(type, event = {}) {
    const fired = { isPrevented: false, preventDefault: () => (fired.isPrevented = true), stopPropagation() {}, ...event };
    const { listener, signal } = this.listeners.get(type);
    if (!signal.aborted) listener(fired);
    return fired.isPrevented ? "prevented" : "default";
  }
}

/** The text area, whose focus comes and goes as a browser's does. */
class TextArea extends Target {
  value = FILLER;
  inputMode = "none";
  hasFocus = false;

  matches(selector) {
    assert.equal(selector, ":focus");
    return this.hasFocus;
  }

  focus(options) {
    assert.deepEqual(options, { preventScroll: true });
    if (this.hasFocus) return;
    this.hasFocus = true;
    this.fire("focus");
  }

  blur() {
    if (!this.hasFocus) return;
    this.hasFocus = false;
    this.fire("blur");
  }
}

/** Returns a message in short: "+KeyA" down, "*KeyA" repeated, "-KeyA" up, "+0" a button, "move", or the text in quotes. */
function short(message) {
  if (message.type === "Text") return JSON.stringify(message.text);
  if (message.type === "Key") return `${message.repeat ? "*" : message.down ? "+" : "-"}${CODES[message.usage]}`;
  if (message.type === "PointerButton") return `${message.down ? "+" : "-"}${message.button}`;
  return message.type === "PointerMove" ? "move" : message.type;
}

/** Returns the input of a desk of 100 x 100 pixels, and a log of everything that it does. */
function desk({ isEnabled = true, isFocused = true } = {}) {
  const log = [];
  const textArea = new TextArea();
  const surface = Object.assign(new Target(), {
    setPointerCapture: (id) => log.push(`capture ${id}`),
  });
  const input = new Input({
    surface,
    keyboard: textArea,
    clipboard: {
      toDesk: (text) => log.push(`clipboard ${text}`),
      sync: async () => void log.push("sync"),
    },
    picture: () => ({ x: 0, y: 0, width: 100, height: 100 }),
    desk: () => ({ width: 100, height: 100 }),
    send: (messages) => log.push(...messages.map(short)),
    control: ({ type, focused }) => log.push(`${type} ${focused}`),
    onleave: () => log.push("leave"),
    onover: (isOver) => log.push(isOver ? "over" : "out"),
  });
  input.setEnabled(isEnabled);
  if (isFocused) textArea.focus({ preventScroll: true });
  log.length = 0;
  const key = (type, code, more = {}) =>
    textArea.fire(type, {
      code, key: "x", repeat: false, isComposing: false, ctrlKey: false, altKey: false, shiftKey: false,
      metaKey: false, timeStamp: performance.now(), ...more,
    });
  const pointer = (type, more = {}) =>
    surface.fire(type, {
      pointerId: 7, pointerType: "mouse", button: 0, buttons: 0, clientX: 50, clientY: 50, movementX: 0,
      movementY: 0, timeStamp: performance.now(), ...more,
    });
  return { input, surface, textArea, key, pointer, log, take: () => log.splice(0) };
}

beforeEach(() => {
  const make = (value) => ({ value, configurable: true, writable: true });
  Object.defineProperty(globalThis, "document", make({ pointerLockElement: null }));
  Object.defineProperty(globalThis, "navigator", make({ userAgent: "X11; Linux x86_64" }));
});

afterEach(() => {
  for (const [name, descriptor] of real) {
    if (descriptor) Object.defineProperty(globalThis, name, descriptor);
    else delete globalThis[name];
  }
});

describe("keys", () => {
  test("that go down and up are sent, and the browser does not act on them", () => {
    const { key, take } = desk();
    assert.equal(key("keydown", "KeyA"), "prevented");
    assert.equal(key("keyup", "KeyA"), "prevented");
    assert.deepEqual(take(), ["+KeyA", "-KeyA"]);
  });

  test("of a composition are no keys: its text is sent when it has ended", () => {
    const { key, textArea, take } = desk();
    assert.equal(key("keydown", "KeyK", { isComposing: true }), "default");
    assert.equal(key("keydown", "KeyA", { key: "Process" }), "default");
    textArea.value = `${FILLER}ka`;
    textArea.fire("input", { isComposing: true, inputType: "insertCompositionText", timeStamp: 0 });
    assert.deepEqual(take(), []);
    textArea.value = `${FILLER}か`;
    textArea.fire("compositionend");
    assert.deepEqual([take(), textArea.value], [['"か"'], FILLER]);
  });

  test("without a place come as text", () => {
    const { textArea, take } = desk();
    textArea.value = `${FILLER}é`;
    textArea.fire("input", { isComposing: false, inputType: "insertText", timeStamp: 0 });
    assert.deepEqual([take(), textArea.value], [['"é"'], FILLER]);
  });

  test("that paste come behind the text of the clipboard", (context) => {
    context.mock.timers.enable({ apis: ["setTimeout"] });
    const { key, textArea, take } = desk();
    key("keydown", "ControlLeft", { ctrlKey: true });
    assert.equal(key("keydown", "KeyV", { ctrlKey: true }), "default");
    assert.deepEqual(take(), ["+ControlLeft"]);
    const clipboardData = { getData: (type) => (type === "text/plain" ? "copied" : "") };
    assert.equal(textArea.fire("paste", { clipboardData }), "prevented");
    assert.deepEqual(take(), ["clipboard copied", "+KeyV"]);
    context.mock.timers.tick(10 * PASTE_WAIT_MS);
    assert.deepEqual(take(), []);
  });

  test("Ctrl+Alt+Shift+K gives the focus back to the page, which releases all", () => {
    const { key, textArea, take } = desk();
    key("keydown", "KeyA");
    key("keydown", "KeyK", { ctrlKey: true, altKey: true, shiftKey: true });
    assert.deepEqual([take(), textArea.hasFocus], [["+KeyA", "SetFocus false", "leave"], false]);
  });
});

describe("the focus", () => {
  test("is told, and the clipboard is looked at", () => {
    const { textArea, take } = desk({ isFocused: false });
    textArea.focus({ preventScroll: true });
    assert.deepEqual(take(), ["SetFocus true", "sync"]);
  });

  test("that leaves has the gateway release all, and a key that comes again is a press", () => {
    const { key, pointer, textArea, take } = desk();
    key("keydown", "ShiftLeft", { shiftKey: true });
    pointer("pointerdown");
    assert.deepEqual(take(), ["+ShiftLeft", "capture 7", "+0"]);
    textArea.blur();
    assert.deepEqual(take(), ["SetFocus false"]);
    // The gateway has released both, so nothing is sent when they go up.
    key("keyup", "ShiftLeft");
    pointer("pointerup");
    assert.deepEqual(take(), []);
    textArea.focus({ preventScroll: true });
    take();
    key("keydown", "ShiftLeft", { shiftKey: true, repeat: true });
    assert.deepEqual(take(), ["+ShiftLeft"]);
  });

  test("that leaves drops the keys that wait for a paste", (context) => {
    context.mock.timers.enable({ apis: ["setTimeout"] });
    const { key, textArea, take } = desk();
    key("keydown", "KeyV", { ctrlKey: true });
    textArea.blur();
    context.mock.timers.tick(10 * PASTE_WAIT_MS);
    assert.deepEqual(take(), ["SetFocus false"]);
  });

  test("is lost once when the page is hidden, although the blur follows", () => {
    const { input, key, textArea, take } = desk();
    key("keydown", "KeyA");
    take();
    input.release();
    textArea.blur();
    assert.deepEqual(take(), ["SetFocus false"]);
    input.release();
    assert.deepEqual(take(), []);
  });

  test("is announced as it is when the page is shown again, or the connection is a new one", () => {
    const { input, key, textArea, take } = desk();
    key("keydown", "KeyA");
    input.release();
    take();
    input.announce();
    assert.deepEqual(take(), ["SetFocus true"]);
    key("keydown", "KeyA");
    take();
    input.announce();
    key("keyup", "KeyA"); // The gateway does not hold this key over the new connection.
    assert.deepEqual(take(), ["SetFocus true"]);
    textArea.blur();
    take();
    input.announce();
    assert.deepEqual(take(), ["SetFocus false"]);
  });
});

describe("the pointer", () => {
  test("moves, is over the picture, and leaves it", () => {
    const { surface, pointer, take } = desk();
    pointer("pointerenter");
    pointer("pointermove", MOVED);
    surface.fire("pointerleave");
    assert.deepEqual(take(), ["over", "over", "move", "out"]);
  });

  test("that presses takes the focus and is captured, so that its end comes from anywhere", () => {
    const { pointer, textArea, take } = desk({ isFocused: false });
    assert.equal(pointer("pointerdown"), "prevented");
    pointer("pointerup", { clientX: 900 });
    assert.deepEqual([take(), textArea.hasFocus], [["SetFocus true", "sync", "capture 7", "+0", "-0"], true]);
  });

  test("that the browser takes away lets its button go", () => {
    const { pointer, take } = desk();
    pointer("pointerdown");
    take();
    pointer("pointercancel");
    pointer("pointerup");
    assert.deepEqual(take(), ["-0"]);
  });

  test("that is a finger takes the focus only while the phone's keyboard is shown", (context) => {
    context.mock.timers.enable({ apis: ["setTimeout"] });
    const { input, pointer, textArea } = desk({ isFocused: false });
    const finger = { pointerType: "touch" };
    pointer("pointerdown", finger);
    assert.equal(textArea.hasFocus, false);
    pointer("pointercancel", finger);
    textArea.inputMode = "text";
    pointer("pointerdown", finger);
    assert.equal(textArea.hasFocus, true);
    input.stop();
  });

  test("scrolls and opens menus on the desk, and not in the browser", () => {
    const { surface, take } = desk();
    const wheel = { deltaX: 0, deltaY: 100, deltaMode: 0, clientX: 50, clientY: 50 };
    assert.equal(surface.fire("wheel", wheel), "prevented");
    assert.equal(surface.fire("contextmenu"), "prevented");
    assert.deepEqual(take(), ["Wheel"]);
  });
});

describe("a person who only watches", () => {
  test("sends nothing, and keeps the browser's keys, wheel and menus", () => {
    const { input, key, pointer, surface, textArea, take } = desk({ isEnabled: false, isFocused: false });
    pointer("pointerdown");
    pointer("pointerup");
    assert.equal(textArea.hasFocus, true);
    assert.equal(key("keydown", "KeyA"), "default");
    const wheel = { deltaX: 0, deltaY: 100, deltaMode: 0, clientX: 50, clientY: 50 };
    assert.equal(surface.fire("wheel", wheel), "default");
    assert.equal(surface.fire("contextmenu"), "default");
    input.announce();
    input.release();
    assert.deepEqual(take(), []);
  });

  test("who may not act any more has no pointer on the desk", () => {
    const { input, take } = desk();
    input.setEnabled(false);
    assert.deepEqual(take(), ["out"]);
  });
});

test("a view that stops releases all, and listens no more", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  let now_ms = 1000;
  context.mock.method(performance, "now", () => now_ms);
  const { input, key, pointer, surface, textArea, take } = desk();
  key("keydown", "KeyA");
  pointer("pointerdown", { pointerType: "touch" });
  take();
  assert.ok(surface.listening > 0 && textArea.listening > 0);
  input.stop();
  assert.deepEqual(take(), ["SetFocus false"]);
  assert.deepEqual([surface.listening, textArea.listening], [0, 0]);
  now_ms += 10 * LONG_PRESS_MS;
  context.mock.timers.tick(10 * LONG_PRESS_MS); // The finger that rests is not the right button.
  assert.deepEqual(take(), []);
});

describe("the table at the top of input.js", () => {
  /** For each row by its number: makes the event happen. */
  const ROWS = {
    1: ({ textArea }) => textArea.focus({ preventScroll: true }),
    2: ({ textArea }) => textArea.blur(),
    3: ({ input }) => input.release(),
    4: ({ input }) => input.stop(),
    5: ({ input }) => input.announce(),
  };
  const rows = tableOf("input/input.js");
  const setFocus = (log) => log.filter((what) => what.startsWith("SetFocus"));
  /** Finds out whether the desk is focused, because only then `release` tells the gateway. */
  const stateOf = ({ input, take }) => {
    take();
    input.release();
    return setFocus(take()).length ? "focused" : "blurred";
  };

  test("has a test for each of its rows", () => {
    assert.deepEqual(rows.map(([, event]) => String(parseInt(event, 10))), Object.keys(ROWS));
  });

  for (const [state, event, next, told] of rows) {
    for (const from of state === "any" ? ["blurred", "focused"] : [state]) {
      const fire = ROWS[parseInt(event, 10)];
      test(`${from}, ${event}`, () => {
        const it = desk({ isFocused: from === "focused" });
        fire(it);
        const isFocused = it.textArea.hasFocus;
        assert.deepEqual(setFocus(it.take()), [told.replace("of that", String(isFocused))]);
        assert.equal(stateOf(it), next === "as the text area" ? (isFocused ? "focused" : "blurred") : next);
      });

      test(`${from}, ${event}: a person who only watches tells nothing`, () => {
        const it = desk({ isFocused: from === "focused", isEnabled: false });
        fire(it);
        assert.deepEqual(setFocus(it.take()), []);
      });
    }
  }

  test("5: announces the focus that came or went unseen", () => {
    const it = desk({ isFocused: false });
    it.textArea.hasFocus = true;
    it.input.announce();
    assert.deepEqual(it.take(), ["SetFocus true"]);
    it.textArea.hasFocus = false;
    it.input.announce();
    assert.deepEqual(it.take(), ["SetFocus false"]);
    assert.equal(stateOf(it), "blurred");
  });
});
