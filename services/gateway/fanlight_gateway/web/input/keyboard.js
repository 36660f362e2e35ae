// @ts-check
/**
 * Browser key events to physical keys of the desk. Pure: it remembers what is held down.
 *
 * A key travels as its place on the keyboard (KeyboardEvent.code); the desk's own layout decides
 * what it means, dead keys and AltGr included. A key that is held is repeated by the keyboard under
 * the person's hands and by nobody else: each repetition is a further key-down, marked so that it can
 * be dropped on its way, and dropped here if it waited for the page. What has no place (an input
 * method, most phones) is left to the text route. Quirks that are undone here:
 *
 * - Windows announces AltGr as ControlLeft and AltRight at once; the ControlLeft is a lie.
 * - macOS reports no key-up of what is pressed together with Command, and CapsLock as one event
 *   for each change of the lamp.
 * - Windows reports PrintScreen by its key-up only.
 *
 * @import { Key } from "../protocol/binary.js"
 *
 * @typedef {Pick<KeyboardEvent, "code" | "key" | "repeat" | "isComposing">} KeyEvent
 * @typedef {"windows" | "mac" | "other"} Platform
 */

import { USAGE_BY_CODE } from "../protocol/keys.js";

/** ControlLeft waits this long for an AltRight that makes the two an AltGr (ms, Windows). */
export const ALTGR_WAIT_MS = 20;
/** A repetition that waited longer than this for the page is not what a person holds now (ms). */
export const REPEAT_AGE_MS = 150;
/** Nobody taps quicker than this again and again; a phone's keyboard does for a held key (ms). */
export const TAP_REPEAT_MS = 150;

export class Keyboard {
  /** @type {Set<string>} */
  #held = new Set();
  /** A ControlLeft that may be half of an AltGr. */
  #maybeAltGr = false;
  /** The last key that was tapped, and when (ms). */
  #tapped = { code: "", at_ms: -Infinity };
  /** @type {Platform} */
  #platform;

  /** @param {Platform} platform */
  constructor(platform) {
    this.#platform = platform;
  }

  /** Whether flush() has to be called in ALTGR_WAIT_MS. */
  get waiting() {
    return this.#maybeAltGr;
  }

  /**
   * @param {KeyEvent} event
   * @param {number} [age_ms]  how long ago it happened
   * @returns {Key[] | null} null: this is the text route's
   */
  down(event, age_ms = 0) {
    if (isText(event)) return null;
    const { code } = event;
    if (event.repeat && this.#held.has(code)) {
      if (age_ms > REPEAT_AGE_MS || isModifier(code) || LOCKS.has(code)) return [];
      return [{ ...this.#press(code), repeat: true }];
    }
    if (this.#platform === "mac" && code === "CapsLock") return tap(code);
    if (this.#maybeAltGr && code === "AltRight") {
      this.#maybeAltGr = false;
      return [this.#press(code)];
    }
    const before = this.flush();
    if (this.#platform === "windows" && code === "ControlLeft" && !this.#held.has(code)) {
      this.#maybeAltGr = true;
      return before;
    }
    return [...before, this.#press(code)];
  }

  /** @param {KeyEvent} event @returns {Key[]} */
  up(event) {
    const { code } = event;
    if (!Object.hasOwn(USAGE_BY_CODE, code)) return [];
    if (this.#platform === "mac" && code === "CapsLock") return tap(code);
    const before = this.flush();
    if (!this.#held.has(code)) return code === "PrintScreen" ? [...before, ...tap(code)] : before;
    const released = [this.#release(code)];
    if (this.#platform === "mac" && code.startsWith("Meta")) {
      for (const other of [...this.#held]) {
        if (!isModifier(other)) released.push(this.#release(other));
      }
    }
    return [...before, ...released];
  }

  /**
   * A key that is told of as one edit of the text, down and up at once. One that is held comes as
   * many of them: to be dropped as repetitions are, but for its going up, which never is.
   *
   * @param {string} code
   * @param {number} at_ms
   * @returns {Key[]}
   */
  tap(code, at_ms) {
    const repeat = code === this.#tapped.code && at_ms - this.#tapped.at_ms < TAP_REPEAT_MS;
    this.#tapped = { code, at_ms };
    const before = this.flush();
    const down = this.#press(code);
    return [...before, repeat ? { ...down, repeat } : down, this.#release(code)];
  }

  /** A ControlLeft that waited was one. @returns {Key[]} */
  flush() {
    if (!this.#maybeAltGr) return [];
    this.#maybeAltGr = false;
    return [this.#press("ControlLeft")];
  }

  /** The desk lost the keyboard; its gateway lets everything go. */
  reset() {
    this.#held.clear();
    this.#maybeAltGr = false;
  }

  /** @param {string} code @returns {Key} */
  #press(code) {
    this.#held.add(code);
    return { type: "Key", down: true, usage: USAGE_BY_CODE[code] };
  }

  /** @param {string} code @returns {Key} */
  #release(code) {
    this.#held.delete(code);
    return { type: "Key", down: false, usage: USAGE_BY_CODE[code] };
  }
}

/**
 * The way out of the desk for people without a pointer: Ctrl+Alt+Shift+K.
 *
 * @param {Pick<KeyboardEvent, "code" | "ctrlKey" | "altKey" | "shiftKey">} event
 */
export function isLeaveChord(event) {
  return event.code === "KeyK" && event.ctrlKey && event.altKey && event.shiftKey;
}

/**
 * Whether this key makes the browser paste.
 *
 * @param {Pick<KeyboardEvent, "code" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">} event
 */
export function isPasteChord(event) {
  if (event.altKey) return false;
  if (event.code === "KeyV") return event.ctrlKey || event.metaKey;
  return event.code === "Insert" && event.shiftKey && !event.ctrlKey;
}

const LOCKS = new Set(["CapsLock", "NumLock", "ScrollLock"]);

/** @param {KeyEvent} event */
function isText(event) {
  if (event.isComposing || event.key === "Process" || event.key === "Unidentified") return true;
  return !Object.hasOwn(USAGE_BY_CODE, event.code);
}

/** @param {string} code */
function isModifier(code) {
  return /^(Control|Shift|Alt|Meta)(Left|Right)$/.test(code);
}

/** @param {string} code @returns {Key[]} */
function tap(code) {
  const usage = USAGE_BY_CODE[code];
  return [
    { type: "Key", down: true, usage },
    { type: "Key", down: false, usage },
  ];
}
