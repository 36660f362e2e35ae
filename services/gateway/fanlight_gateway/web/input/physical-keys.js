// @ts-check
/**
 * Turns browser key events into physical keys of the desk. Lives in the page. Pure; it remembers
 * which keys are down.
 *
 * A key travels as its place on the keyboard (KeyboardEvent.code). The desk's own layout decides
 * what the key means, dead keys and AltGr included. The person's keyboard repeats a held key; the
 * desk does not. Each repetition is a further key-down, marked `repeat`, so that later modules can
 * drop it. This module drops a repetition that is older than `REPEAT_AGE_MS`, because the page was
 * busy. Keys without a place (an input method, most phones) are text: see keyboard.js. platform.js
 * lists the quirks of operating systems, and this module undoes them.
 *
 * On systems on which AltGr comes as two keys (Windows), a ControlLeft waits until it is known what
 * it is:
 *
 *   ControlLeft | event                                     | next    | keys for the desk
 *   ------------+-------------------------------------------+---------+---------------------------
 *   none        | 1 ControlLeft goes down                   | waiting |
 *   waiting     | 2 AltRight goes down: it was AltGr        | none    | +AltRight
 *   waiting     | 3 another key goes down or up, or a       | none    | +ControlLeft, and its own
 *               |   phone's edit comes                      |         |
 *   waiting     | 4 `flush`: `ALTGR_WAIT_MS` have passed    | none    | +ControlLeft
 *   waiting     | 5 `reset`: the keyboard is lost           | none    |
 *
 * A test holds this table against the code.
 *
 * @import { Key } from "../protocol/binary.js"
 * @import { Platform, Quirks } from "./platform.js"
 *
 * @typedef {Pick<KeyboardEvent, "code" | "key" | "repeat" | "isComposing">} KeyEvent
 */

import { USAGE_BY_CODE } from "../protocol/keys.js";
import { QUIRKS } from "./platform.js";

/** For how long ControlLeft waits for an AltRight that makes the two an AltGr (ms, Windows). */
export const ALTGR_WAIT_MS = 20;
/** A repetition that waited longer than this for the page is dropped (ms). */
export const REPEAT_AGE_MS = 150;
/**
 * Two edits of one key within this time are a held key (ms). Nobody taps so quickly again and
 * again, but a phone's keyboard does so while a key is held.
 */
export const TAP_REPEAT_MS = 150;

export class PhysicalKeys {
  /** The codes of the keys that are down. @type {Set<string>} */
  #held = new Set();
  /** Whether a ControlLeft waits that may be half of an AltGr. */
  #maybeAltGr = false;
  /** The last key that was tapped, and when (ms). */
  #tapped = { code: "", at_ms: -Infinity };
  /** @type {Quirks} */
  #quirks;

  /** @param {Platform} platform */
  constructor(platform) {
    this.#quirks = QUIRKS[platform];
  }

  /** Whether `flush` has to be called after ALTGR_WAIT_MS. */
  get isWaiting() {
    return this.#maybeAltGr;
  }

  /**
   * Takes a key-down of the browser.
   *
   * @param {KeyEvent} event
   * @param {number} [age_ms]  how long ago the key was pressed
   * @returns {Key[] | null} null if the key is text
   */
  down(event, age_ms = 0) {
    if (isText(event)) return null;
    const { code } = event;
    if (event.repeat && this.#held.has(code)) {
      if (age_ms > REPEAT_AGE_MS || isModifier(code) || LOCKS.has(code)) return [];
      return [{ ...this.#press(code), repeat: true }];
    }
    if (this.#quirks.capsLockIsOneEvent && code === "CapsLock") return tap(code);
    if (this.#maybeAltGr && code === "AltRight") {
      this.#maybeAltGr = false;
      return [this.#press(code)];
    }
    const before = this.flush();
    if (this.#quirks.altGrIsTwoKeys && code === "ControlLeft" && !this.#held.has(code)) {
      this.#maybeAltGr = true;
      return before;
    }
    return [...before, this.#press(code)];
  }

  /** Takes a key-up of the browser. @param {KeyEvent} event @returns {Key[]} */
  up(event) {
    const { code } = event;
    if (!Object.hasOwn(USAGE_BY_CODE, code)) return [];
    if (this.#quirks.capsLockIsOneEvent && code === "CapsLock") return tap(code);
    const before = this.flush();
    // Some systems report PrintScreen by its key-up only.
    if (!this.#held.has(code)) return code === "PrintScreen" ? [...before, ...tap(code)] : before;
    const released = [this.#release(code)];
    if (this.#quirks.metaHidesKeyUps && code.startsWith("Meta")) {
      for (const other of [...this.#held]) {
        if (!isModifier(other)) released.push(this.#release(other));
      }
    }
    return [...before, ...released];
  }

  /**
   * Takes a key that comes as one edit of the text: it goes down and up at once. A held key comes
   * as many edits. Then its key-downs are marked as repetitions. Its key-ups are not marked, so
   * that they are never dropped.
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

  /** Presses the ControlLeft that waits, if one does, as a key of its own. @returns {Key[]} */
  flush() {
    if (!this.#maybeAltGr) return [];
    this.#maybeAltGr = false;
    return [this.#press("ControlLeft")];
  }

  /** Forgets all keys, because the desk has lost the keyboard. The gateway releases them itself. */
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

const LOCKS = new Set(["CapsLock", "NumLock", "ScrollLock"]);

/** Returns whether the key is text. @param {KeyEvent} event */
function isText(event) {
  if (event.isComposing || event.key === "Process" || event.key === "Unidentified") return true;
  return !Object.hasOwn(USAGE_BY_CODE, event.code);
}

/** @param {string} code */
function isModifier(code) {
  return /^(Control|Shift|Alt|Meta)(Left|Right)$/.test(code);
}

/** Returns a key that goes down and up. @param {string} code @returns {Key[]} */
function tap(code) {
  const usage = USAGE_BY_CODE[code];
  return [
    { type: "Key", down: true, usage },
    { type: "Key", down: false, usage },
  ];
}
