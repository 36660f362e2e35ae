// @ts-check
/**
 * Takes text between the browser's clipboard and the desk's. Lives in the page; owns the text that
 * both sides have. It drops a text that is too long.
 *
 * 1. A text from the desk is written to the browser's clipboard if the browser allows it. Otherwise
 *    it is offered for a click (`onoffer`), because browsers allow writing after a click.
 * 2. A text for the desk comes from the paste event of Ctrl+V, which needs no permission. If the
 *    browser already allows reading the clipboard, it is also read when the desk gets the focus.
 * 3. The person is never asked for a permission.
 * 4. The same text is not sent twice, and a text from the desk is not sent back.
 */

import { characters, MAX_CLIPBOARD_CHARS } from "../protocol/text.js";

/** Half a character, which UTF-8 cannot carry. */
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
   * @param {(text: string | null) => void} onoffer  takes a text that waits for a click; null: none
   */
  constructor(send, onoffer) {
    this.#send = send;
    this.#onoffer = onoffer;
  }

  /** Takes a text that a person copied on the desk. @param {string} text */
  async fromDesk(text) {
    this.#known = text;
    this.#onoffer((await this.write(text)) ? null : text);
  }

  /**
   * Writes to the browser's clipboard.
   *
   * @param {string} text
   * @returns {Promise<boolean>} false if the browser does not allow it
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

  /** Sends a text that a person copied in this browser, if it is new. @param {string} text */
  toDesk(text) {
    if (text === "" || text === this.#known || characters(text) > MAX_CLIPBOARD_CHARS) return;
    this.#known = text;
    this.#send(text.replace(LONE_SURROGATE, "\ufffd"));
  }

  /** Allows the same text again, because it may have been lost, or the desk is another one. */
  forget() {
    this.#known = "";
  }

  /** Sends what was copied elsewhere, if reading is allowed. Called when the desk has the focus. */
  async sync() {
    try {
      const name = /** @type {PermissionName} */ ("clipboard-read");
      const { state } = await navigator.permissions.query({ name });
      if (state === "granted") this.toDesk(await navigator.clipboard.readText());
    } catch (error) {
      // A browser may not know this permission (TypeError), or may have lost the focus meanwhile.
      if (!(error instanceof TypeError || error instanceof DOMException)) throw error;
    }
  }
}
