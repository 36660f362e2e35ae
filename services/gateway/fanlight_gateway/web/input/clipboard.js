// @ts-check
/**
 * Text between the browser's clipboard and the desk's. Lives in the page.
 *
 * From the desk: written to the browser's clipboard where that is allowed, else offered (`onoffer`)
 * for a click. To the desk: from the paste event of Ctrl+V, which needs no permission, and, where
 * reading is already allowed, whenever the desk gets the focus. Nobody is asked for a permission.
 * The same text is not sent twice, and what came from the desk is not sent back.
 */

import { characters, MAX_CLIPBOARD_CHARS } from "../protocol/control.js";

/** Half of a character: no text, and no UTF-8 can carry it. */
const LONE_SURROGATE = /\p{Surrogate}/gu;

export class ClipboardBridge {
  /** What both sides have. */
  #known = "";
  /** @type {(text: string) => void} */
  #send;
  /** @type {(text: string | null) => void} */
  #onoffer;

  /**
   * @param {(text: string) => void} send  to the desk
   * @param {(text: string | null) => void} onoffer  a text waits for a click; null: none any more
   */
  constructor(send, onoffer) {
    this.#send = send;
    this.#onoffer = onoffer;
  }

  /** Somebody copied on the desk. @param {string} text */
  async fromDesk(text) {
    this.#known = text;
    this.#onoffer((await this.write(text)) ? null : text);
  }

  /** @param {string} text @returns {Promise<boolean>} */
  async write(text) {
    if (!navigator.clipboard || !document.hasFocus()) return false;
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch (error) {
      if (error instanceof DOMException) return false; // not allowed
      throw error;
    }
  }

  /** Somebody copied here. @param {string} text */
  toDesk(text) {
    if (text === "" || text === this.#known || characters(text) > MAX_CLIPBOARD_CHARS) return;
    this.#known = text;
    this.#send(text.replace(LONE_SURROGATE, "\ufffd"));
  }

  /** What was sent may have gone nowhere, or the desk is another: the same text may go again. */
  forget() {
    this.#known = "";
  }

  /** The desk got the focus: bring along what was copied elsewhere, if reading is allowed. */
  async sync() {
    try {
      const name = /** @type {PermissionName} */ ("clipboard-read");
      const { state } = await navigator.permissions.query({ name });
      if (state === "granted") this.toDesk(await navigator.clipboard.readText());
    } catch (error) {
      // Not every browser knows this permission (TypeError), and a focus may be lost again.
      if (!(error instanceof TypeError || error instanceof DOMException)) throw error;
    }
  }
}
