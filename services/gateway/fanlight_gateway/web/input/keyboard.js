// @ts-check
/**
 * Turns keyboard events into input messages. Lives in the page. It touches no DOM but the value of
 * the text area that has the focus, and the focus itself, so that tests can make the events by
 * hand.
 *
 * The text area makes input methods and phones work. A key that has a place on the keyboard does
 * not reach the text area, because this module sends it as a key (physical-keys.js). Everything
 * else arrives in the text area as text, and is sent as text. While `isEnabled` is false (the
 * person only watches), this module sends nothing, and leaves every event to the browser.
 *
 * @import { InputMessage } from "../protocol/binary.js"
 * @import { Platform } from "./platform.js"
 * @import { KeyEvent } from "./physical-keys.js"
 *
 * @typedef {Pick<KeyboardEvent, "ctrlKey" | "altKey" | "shiftKey" | "metaKey" | "timeStamp"
 *   | "preventDefault" | "stopPropagation"> & KeyEvent} KeyboardEventLike
 * @typedef {Pick<InputEvent, "inputType" | "isComposing" | "timeStamp">} InputEventLike
 * @typedef {Pick<Event, "preventDefault"> & {
 *   clipboardData: Pick<DataTransfer, "getData"> | null }} PasteEventLike
 *
 * @typedef {{
 *   textArea: { value: string, blur: () => void },
 *   platform: Platform,
 *   now: () => number,
 *   copyToDesk: (text: string) => void,
 *   send: (messages: InputMessage[]) => void,
 *   onleave: () => void,
 * }} KeyboardHost
 *
 * now: the time in the clock of the events' timeStamp. copyToDesk: sends a text to the desk's
 * clipboard. onleave: the person gives the keyboard back to the page.
 */

import { splitText } from "../protocol/text.js";
import { isLeaveChord, isPasteChord } from "./chords.js";
import { PasteDelay } from "./paste-delay.js";
import { ALTGR_WAIT_MS, PhysicalKeys } from "./physical-keys.js";

/**
 * The content of the text area. It is a character that nobody types. Phones report a Backspace only
 * if there is something to delete.
 */
export const FILLER = "\u200b";

/** The keys that a phone's keyboard reports as edits. @type {Record<string, string | undefined>} */
const KEY_BY_EDIT = {
  deleteContentBackward: "Backspace",
  deleteContentForward: "Delete",
  insertLineBreak: "Enter",
};

export class Keyboard {
  /** @type {KeyboardHost} */
  #host;
  /** @type {PhysicalKeys} */
  #keys;
  /** @type {PasteDelay} */
  #paste;
  isEnabled = false;

  /** @param {KeyboardHost} host */
  constructor(host) {
    this.#host = host;
    this.#keys = new PhysicalKeys(host.platform);
    this.#paste = new PasteDelay(host.send);
  }

  /** Forgets the keys that are down, because the gateway releases them itself. */
  reset() {
    this.#keys.reset();
  }

  /** Forgets the keys that are down, and drops those that wait: the desk has lost the keyboard. */
  release() {
    this.#keys.reset();
    this.#paste.drop();
  }

  /** Sends the key, unless it is text. @param {KeyboardEventLike} event */
  keydown(event) {
    if (!this.isEnabled) return;
    if (isLeaveChord(event)) {
      event.preventDefault();
      this.#host.textArea.blur();
      this.#host.onleave();
      return;
    }
    const keys = this.#keys.down(event, this.#host.now() - event.timeStamp);
    if (keys === null) return;
    event.stopPropagation();
    if (this.#keys.isWaiting) {
      setTimeout(() => this.#paste.send(this.#keys.flush()), ALTGR_WAIT_MS);
    }
    if (isPasteChord(event) && !event.repeat) {
      // The browser must paste, so the event is not prevented. The keys wait until it has pasted.
      // A repetition is sent as a key only: the desk pastes what is on its clipboard by then.
      if (keys.length) this.#paste.start();
    } else {
      event.preventDefault();
    }
    this.#paste.send(keys);
  }

  /** Sends the release of the key. @param {KeyboardEventLike} event */
  keyup(event) {
    if (!this.isEnabled) return;
    event.preventDefault();
    event.stopPropagation();
    this.#paste.send(this.#keys.up(event));
  }

  /** Sends what has changed in the text area: a key or a text. @param {InputEventLike} event */
  input(event) {
    if (event.isComposing) return; // An input method has not decided yet.
    const code = KEY_BY_EDIT[event.inputType];
    if (code === undefined) {
      this.takeText();
      return;
    }
    this.#paste.send(this.#keys.tap(code, event.timeStamp));
    this.#host.textArea.value = FILLER;
  }

  /** Sends what stands in the text area, for example when an input method has decided. */
  takeText() {
    const text = this.#host.textArea.value.replaceAll(FILLER, "");
    this.#host.textArea.value = FILLER;
    if (text && this.isEnabled) this.#paste.send(splitText(text));
  }

  /**
   * Sends the pasted text to the desk's clipboard, and then the keys.
   *
   * @param {PasteEventLike} event
   */
  paste(event) {
    event.preventDefault();
    if (!this.isEnabled) return;
    this.#host.copyToDesk(event.clipboardData?.getData("text/plain") ?? "");
    this.#paste.finish();
  }
}
