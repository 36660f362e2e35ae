// @ts-check
/**
 * DOM events of the desk to input messages. Lives in the page; owns the listeners.
 *
 * The text area that holds the keyboard is what makes input methods and phones work: keys with a
 * place on the keyboard are taken away from it and travel as keys, everything else arrives in it as
 * text. Everything held is released when the focus goes, or the tab.
 *
 * @import { InputMessage } from "../protocol/binary.js"
 * @import { ViewerControl } from "../protocol/control.js"
 * @import { Rect } from "../element/geometry.js"
 * @import { TouchAction } from "./touch.js"
 * @import { ClipboardBridge } from "./clipboard.js"
 * @import { Platform } from "./keyboard.js"
 *
 * @typedef {{
 *   surface: HTMLElement,
 *   keyboard: HTMLTextAreaElement,
 *   clipboard: ClipboardBridge,
 *   picture: () => Rect,
 *   desk: () => { width: number, height: number },
 *   send: (messages: InputMessage[]) => void,
 *   control: (message: ViewerControl) => void,
 *   onleave: () => void,
 *   onlocal: (isLocal: boolean) => void,
 * }} InputHost
 *
 * picture: where the picture is, in client coordinates.
 */

import { toFractions, within } from "../element/geometry.js";
import { ALTGR_WAIT_MS, isLeaveChord, isPasteChord, Keyboard } from "./keyboard.js";
import { splitText } from "../protocol/binary.js";
import { Touch } from "./touch.js";
import { WheelSteps } from "./wheel.js";

/** The browser's paste event follows its key at once; without one the key goes alone (ms). */
const PASTE_WAIT_MS = 60;

export class Input {
  /** @type {InputHost} */
  #host;
  #keys = new Keyboard(platform());
  #wheel = new WheelSteps();
  #touch = new Touch();
  #abort = new AbortController();
  #enabled = false;
  #focused = false;
  /** Keys that wait for a text to be pasted; null: none is. @type {InputMessage[] | null} */
  #held = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #pasteTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #touchTimer;
  /** Fractions of a pixel left over by relative moves. */
  #rest = { x: 0, y: 0 };
  /** Buttons that are down. */
  #buttons = new Set();

  /** @param {InputHost} host */
  constructor(host) {
    this.#host = host;
    const { surface, keyboard } = host;
    this.#listen(keyboard, "keydown", (event) => this.#keydown(event));
    this.#listen(keyboard, "keyup", (event) => this.#keyup(event));
    this.#listen(keyboard, "input", (event) => this.#text(/** @type {InputEvent} */ (event)));
    this.#listen(keyboard, "compositionend", () => this.#takeText());
    this.#listen(keyboard, "paste", (event) => this.#paste(event));
    this.#listen(keyboard, "focus", () => this.#focus(true));
    this.#listen(keyboard, "blur", () => this.#focus(false));
    this.#listen(surface, "pointerdown", (event) => this.#pointerdown(event));
    this.#listen(surface, "pointermove", (event) => this.#pointermove(event));
    this.#listen(surface, "pointerup", (event) => this.#pointerup(event));
    this.#listen(surface, "pointercancel", (event) => this.#pointercancel(event));
    this.#listen(surface, "pointerenter", (event) => this.#local(event));
    this.#listen(surface, "pointerleave", () => this.#host.onlocal(false));
    this.#listen(surface, "wheel", (event) => this.#turn(event));
    this.#listen(surface, "contextmenu", (event) => this.#enabled && event.preventDefault());
  }

  /** Whether this viewer may act, or only watch. @param {boolean} enabled */
  setEnabled(enabled) {
    this.#enabled = enabled;
    if (!enabled) this.#host.onlocal(false);
  }

  /** After a reconnect, or shown again: the gateway has to be told who has the keyboard. */
  announce() {
    if (!this.#enabled) return;
    this.#keys.reset();
    this.#buttons.clear();
    this.#focused = this.#host.keyboard.matches(":focus");
    this.#host.control({ type: "SetFocus", focused: this.#focused });
  }

  /** The tab was hidden, the window lost: everything goes up. */
  release() {
    this.#keys.reset();
    this.#buttons.clear();
    this.#dropPaste();
    if (this.#enabled && this.#focused) this.#host.control({ type: "SetFocus", focused: false });
    this.#focused = false;
  }

  stop() {
    this.release();
    clearTimeout(this.#touchTimer);
    this.#abort.abort();
  }

  /**
   * @template {keyof HTMLElementEventMap} K
   * @param {HTMLElement} target
   * @param {K} type
   * @param {(event: HTMLElementEventMap[K]) => void} handle
   */
  #listen(target, type, handle) {
    target.addEventListener(type, handle, { signal: this.#abort.signal, passive: false });
  }

  // The keyboard.

  /** @param {boolean} focused */
  #focus(focused) {
    if (!focused) {
      this.release();
      return;
    }
    this.#focused = true;
    if (!this.#enabled) return;
    this.#host.control({ type: "SetFocus", focused: true });
    void this.#host.clipboard.sync();
  }

  /** @param {KeyboardEvent} event */
  #keydown(event) {
    if (!this.#enabled) return; // a person who only watches keeps the keyboard
    if (isLeaveChord(event)) {
      event.preventDefault();
      this.#host.keyboard.blur();
      this.#host.onleave();
      return;
    }
    const keys = this.#keys.down(event, performance.now() - event.timeStamp);
    if (keys === null) return;
    event.stopPropagation();
    if (this.#keys.waiting) setTimeout(() => this.#type(this.#keys.flush()), ALTGR_WAIT_MS);
    if (isPasteChord(event) && !event.repeat) {
      // The text has to be on the desk before the key that pastes it: hold the key until the
      // browser has handed the text over. A repetition pastes what is there by then.
      if (keys.length && this.#held === null) {
        this.#held = [];
        this.#pasteTimer = setTimeout(() => this.#releasePaste(), PASTE_WAIT_MS);
      }
    } else {
      event.preventDefault();
    }
    this.#type(keys);
  }

  /** @param {KeyboardEvent} event */
  #keyup(event) {
    if (!this.#enabled) return;
    event.preventDefault();
    event.stopPropagation();
    this.#type(this.#keys.up(event));
  }

  /** @param {InputMessage[]} messages */
  #type(messages) {
    if (messages.length === 0) return;
    if (this.#held) this.#held.push(...messages);
    else this.#host.send(messages);
  }

  /** @param {ClipboardEvent} event */
  #paste(event) {
    event.preventDefault();
    if (!this.#enabled) return;
    this.#host.clipboard.toDesk(event.clipboardData?.getData("text/plain") ?? "");
    this.#releasePaste();
  }

  #releasePaste() {
    const held = this.#held;
    this.#dropPaste();
    if (held?.length) this.#host.send(held);
  }

  #dropPaste() {
    clearTimeout(this.#pasteTimer);
    this.#held = null;
  }

  /** @param {InputEvent} event */
  #text(event) {
    if (event.isComposing) return; // not decided yet
    const code = KEY_BY_EDIT[event.inputType];
    if (code === undefined) {
      this.#takeText();
      return;
    }
    this.#type(this.#keys.tap(code, event.timeStamp));
    this.#clear();
  }

  #takeText() {
    const text = this.#host.keyboard.value.replaceAll(FILLER, "");
    this.#clear();
    if (text && this.#enabled) this.#type(splitText(text));
  }

  /** Phones send a Backspace only where there is something to delete. */
  #clear() {
    this.#host.keyboard.value = FILLER;
  }

  // The pointer.

  /** @param {PointerEvent} event */
  #local(event) {
    const isOver = within(event.clientX, event.clientY, this.#host.picture());
    this.#host.onlocal(this.#enabled && event.pointerType !== "touch" && isOver);
  }

  /** @param {PointerEvent} event */
  #pointerdown(event) {
    const { keyboard, surface } = this.#host;
    event.preventDefault();
    // A finger must not call up the phone's own keyboard; there is a button for it.
    if (event.pointerType !== "touch" || keyboard.inputMode === "text") {
      keyboard.focus({ preventScroll: true });
    }
    if (!this.#enabled) return;
    surface.setPointerCapture(event.pointerId);
    if (event.pointerType === "touch") {
      this.#act(this.#touch.down(event.pointerId, point(event), event.timeStamp));
    } else {
      this.#button(event, true);
    }
  }

  /** @param {PointerEvent} event */
  #pointermove(event) {
    if (!this.#enabled) return;
    if (event.pointerType === "touch") {
      this.#act(this.#touch.move(event.pointerId, point(event), event.timeStamp));
      return;
    }
    // A second button while one is down comes as a move.
    if (event.button !== -1) {
      this.#button(event, (event.buttons & (BUTTON_BITS[event.button] ?? 0)) !== 0);
      return;
    }
    if (document.pointerLockElement) {
      this.#moveRelative(event);
      return;
    }
    this.#local(event);
    const [x, y] = this.#position(event.clientX, event.clientY);
    this.#host.send([{ type: "PointerMove", x, y }]);
  }

  /** @param {PointerEvent} event */
  #pointerup(event) {
    if (!this.#enabled) return;
    if (event.pointerType === "touch") this.#act(this.#touch.up(event.pointerId, event.timeStamp));
    else this.#button(event, false);
  }

  /** @param {PointerEvent} event */
  #pointercancel(event) {
    if (event.pointerType === "touch") {
      this.#act(this.#touch.cancel(event.pointerId));
      return;
    }
    for (const button of this.#buttons) {
      this.#host.send([{ type: "PointerButton", down: false, button, position: null }]);
    }
    this.#buttons.clear();
  }

  /** @param {PointerEvent} event @param {boolean} down */
  #button(event, down) {
    const { button } = event;
    if (button < 0 || button > 4 || down === this.#buttons.has(button)) return;
    if (down) this.#buttons.add(button);
    else this.#buttons.delete(button);
    const isLocked = document.pointerLockElement !== null;
    const position = isLocked ? null : this.#position(event.clientX, event.clientY);
    this.#host.send([{ type: "PointerButton", down, button, position }]);
  }

  /** @param {PointerEvent} event */
  #moveRelative(event) {
    const { width } = this.#host.picture();
    const scale = this.#host.desk().width / (width || 1);
    this.#rest.x += event.movementX * scale;
    this.#rest.y += event.movementY * scale;
    const dx = Math.trunc(this.#rest.x);
    const dy = Math.trunc(this.#rest.y);
    if (dx === 0 && dy === 0) return;
    this.#rest.x -= dx;
    this.#rest.y -= dy;
    this.#host.send([{ type: "PointerMoveRelative", dx, dy }]);
  }

  /** @param {WheelEvent} event */
  #turn(event) {
    if (!this.#enabled) return;
    event.preventDefault();
    const isLocked = document.pointerLockElement !== null;
    this.#scroll(event, isLocked ? null : this.#position(event.clientX, event.clientY));
  }

  /**
   * @param {import("./wheel.js").WheelLike} event
   * @param {readonly [number, number] | null} position
   */
  #scroll(event, position) {
    const steps = this.#wheel.turn(event);
    if (steps) this.#host.send([{ type: "Wheel", ...steps, position }]);
  }

  /** @param {TouchAction[]} actions */
  #act(actions) {
    clearTimeout(this.#touchTimer);
    if (this.#touch.deadline_ms !== null) {
      const wait_ms = Math.max(0, this.#touch.deadline_ms - performance.now());
      const tick = () => this.#act(this.#touch.tick(performance.now()));
      this.#touchTimer = setTimeout(tick, wait_ms + 1);
    }
    for (const action of actions) {
      const position = this.#position(action.x, action.y);
      if (action.type === "move") {
        this.#host.send([{ type: "PointerMove", x: position[0], y: position[1] }]);
      } else if (action.type === "button") {
        const { button, down } = action;
        this.#host.send([{ type: "PointerButton", down, button, position }]);
      } else {
        this.#scroll({ deltaX: action.dx, deltaY: action.dy, deltaMode: 0 }, position);
      }
    }
  }

  /** @param {number} x @param {number} y client coordinates */
  #position(x, y) {
    return toFractions(x, y, this.#host.picture(), this.#host.desk());
  }
}

/** Something to delete, and no character that anyone types. */
const FILLER = "\u200b";

/** What a phone's keyboard tells of as an edit. @type {Record<string, string | undefined>} */
const KEY_BY_EDIT = {
  deleteContentBackward: "Backspace",
  deleteContentForward: "Delete",
  insertLineBreak: "Enter",
};

/** PointerEvent.button to its bit in PointerEvent.buttons. */
const BUTTON_BITS = [1, 4, 2, 8, 16];

/** @param {PointerEvent} event */
function point(event) {
  return { x: event.clientX, y: event.clientY };
}

/** @returns {Platform} */
function platform() {
  const name = navigator.userAgent;
  if (/Macintosh|iPhone|iPad/.test(name)) return "mac";
  return name.includes("Windows") ? "windows" : "other";
}
