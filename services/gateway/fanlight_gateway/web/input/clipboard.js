// @ts-check
/**
 * Text between the browser's clipboard and the desk's. Lives in the page.
 *
 * 1. A text from the desk is written to the browser's clipboard where that is allowed. Otherwise it
 *    is offered for a click (`onoffer`), because browsers allow writing after a click.
 * 2. A text for the desk comes from the paste event of Ctrl+V, which needs no permission. Where
 *    reading the clipboard is allowed already, it is also read whenever the desk gets the focus.
 * 3. It never asks the person for a permission.
 * 4. The same text is not sent twice, and a text from the desk is not sent back.
 */

import { characters, MAX_CLIPBOARD_CHARS } from "../protocol/text.js";

/** Half of a character, which UTF-8 cannot carry. */
const LONE_SURROGATE = /\p{Surrogate}/gu;

export class ClipboardBridge {
  /** The text that both sides have. */
  #known = "";
  /** @type {(text: string) => void} */
  #send;
  /** @type {(text: string | null) => void} */
  #onoffer;

  /**
   * @param {(text: string) => void} send  to the desk
   * @param {(text: string | null) => void} onoffer  a text waits for a click; null: none does
   */
  constructor(send, onoffer) {
    this.#send = send;
    this.#onoffer = onoffer;
  }

  /** A person copied on the desk. @param {string} text */
  async fromDesk(text) {
    this.#known = text;
    this.#onoffer((await this.write(text)) ? null : text);
  }

  /**
   * Writes to the browser's clipboard.
   *
   * @param {string} text
   * @returns {Promise<boolean>} false: not allowed
   */
  async write(text) {
    if (!navigator.clipboard || !document.hasFocus()) return false;
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch (error) {
      if (error instanceof DOMException) return false;
      throw error;
    }
  }

  /** A person copied in this browser. Sends the text, if it is new. @param {string} text */
  toDesk(text) {
    if (text === "" || text === this.#known || characters(text) > MAX_CLIPBOARD_CHARS) return;
    this.#known = text;
    this.#send(text.replace(LONE_SURROGATE, "\ufffd"));
  }

  /** The same text may be sent again, because it may have been lost, or the desk is another one. */
  forget() {
    this.#known = "";
  }

  /** The desk has got the focus: sends what was copied elsewhere, if reading is allowed. */
  async sync() {
    try {
      const name = /** @type {PermissionName} */ ("clipboard-read");
      const { state } = await navigator.permissions.query({ name });
      if (state === "granted") this.toDesk(await navigator.clipboard.readText());
    } catch (error) {
      // Not every browser knows this permission (TypeError). The focus may be lost meanwhile.
      if (!(error instanceof TypeError || error instanceof DOMException)) throw error;
    }
  }
}
