// @ts-check
/**
 * Turns what a person does at the desk into input messages. Lives in the page; owns the listeners
 * and the focus. keyboard.js and pointer.js make the messages.
 *
 *   the desk is | event                                        | next     | the gateway is told
 *   ------------+----------------------------------------------+----------+--------------------
 *   blurred     | 1 the text area gets the focus               | focused  | SetFocus true
 *   focused     | 2 the text area loses the focus              | blurred  | SetFocus false
 *   focused     | 3 `release`: the tab is hidden, or the page  | blurred  | SetFocus false
 *               |   is left                                    |          |
 *   focused     | 4 `stop`: the view stops                     | blurred  | SetFocus false
 *   any         | 5 `announce`: the connection has opened, or  | as the   | SetFocus of that
 *               |   the tab is shown again                     | text     |
 *               |                                              | area     |
 *
 * SetFocus false makes the gateway release all held keys and buttons. A person who only watches
 * (`setEnabled(false)`) tells the gateway nothing. A test holds this table against the code.
 *
 * @import { InputMessage } from "../protocol/binary.js"
 * @import { ViewerControl } from "../protocol/control.js"
 * @import { ClipboardBridge } from "./clipboard.js"
 * @import { Rect } from "./geometry.js"
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
 *   onover: (isOver: boolean) => void,
 * }} InputHost
 *
 * surface: gets the pointer's events. keyboard: gets the keys. See KeyboardHost and PointerHost for
 * the rest.
 */

import { Keyboard } from "./keyboard.js";
import { platformOf } from "./platform.js";
import { Pointer } from "./pointer.js";

const now = () => performance.now();

export class Input {
  /** @type {InputHost} */
  #host;
  /** @type {Keyboard} */
  #keyboard;
  /** @type {Pointer} */
  #pointer;
  #abort = new AbortController();
  #isEnabled = false;
  #isFocused = false;

  /** @param {InputHost} host */
  constructor(host) {
    this.#host = host;
    const { surface, keyboard: textArea, clipboard, picture, desk, send, onleave, onover } = host;
    this.#keyboard = new Keyboard({
      textArea,
      platform: platformOf(navigator.userAgent),
      now,
      copyToDesk: (text) => clipboard.toDesk(text),
      send,
      onleave,
    });
    const isLocked = () => document.pointerLockElement !== null;
    this.#pointer = new Pointer({ picture, desk, isLocked, now, send, onover });
    this.#listen(textArea, "keydown", (event) => this.#keyboard.keydown(event));
    this.#listen(textArea, "keyup", (event) => this.#keyboard.keyup(event));
    this.#listen(textArea, "input", (event) => {
      this.#keyboard.input(/** @type {InputEvent} */ (event));
    });
    this.#listen(textArea, "compositionend", () => this.#keyboard.takeText());
    this.#listen(textArea, "paste", (event) => this.#keyboard.paste(event));
    this.#listen(textArea, "focus", () => this.#focus());
    this.#listen(textArea, "blur", () => this.release());
    this.#listen(surface, "pointerdown", (event) => this.#pointerdown(event));
    this.#listen(surface, "pointermove", (event) => this.#pointer.move(event));
    this.#listen(surface, "pointerup", (event) => this.#pointer.up(event));
    this.#listen(surface, "pointercancel", (event) => this.#pointer.cancel(event));
    this.#listen(surface, "pointerenter", (event) => this.#pointer.enter(event));
    this.#listen(surface, "pointerleave", () => this.#pointer.leave());
    this.#listen(surface, "wheel", (event) => {
      if (this.#isEnabled) event.preventDefault();
      this.#pointer.wheel(event);
    });
    this.#listen(surface, "contextmenu", (event) => this.#isEnabled && event.preventDefault());
  }

  /** Sets whether this viewer may act, or only watch. @param {boolean} isEnabled */
  setEnabled(isEnabled) {
    this.#isEnabled = this.#keyboard.isEnabled = this.#pointer.isEnabled = isEnabled;
    if (!isEnabled) this.#host.onover(false);
  }

  /**
   * Tells the gateway whether this desk has the focus. Called when the connection has opened, and
   * when the tab is shown again.
   */
  announce() {
    if (!this.#isEnabled) return;
    this.#keyboard.reset();
    this.#pointer.reset();
    this.#isFocused = this.#host.keyboard.matches(":focus");
    this.#host.control({ type: "SetFocus", focused: this.#isFocused });
  }

  /** Releases all keys and buttons, because the focus has left or the tab is hidden. */
  release() {
    this.#keyboard.release();
    this.#pointer.reset();
    if (this.#isEnabled && this.#isFocused) {
      this.#host.control({ type: "SetFocus", focused: false });
    }
    this.#isFocused = false;
  }

  /** Releases all keys and buttons, and ends the listeners. */
  stop() {
    this.release();
    this.#pointer.stop();
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

  #focus() {
    this.#isFocused = true;
    if (!this.#isEnabled) return;
    this.#host.control({ type: "SetFocus", focused: true });
    void this.#host.clipboard.sync();
  }

  /** @param {PointerEvent} event */
  #pointerdown(event) {
    const { keyboard, surface } = this.#host;
    event.preventDefault();
    // A finger must not call up the phone's own keyboard, which has a button of its own.
    if (event.pointerType !== "touch" || keyboard.inputMode === "text") {
      keyboard.focus({ preventScroll: true });
    }
    if (this.#isEnabled) surface.setPointerCapture(event.pointerId);
    this.#pointer.down(event);
  }
}
