// @ts-check
/**
 * Shows the notices over the picture: the state of the connection, what a click does about it, and
 * the button for a text of the desk that waits for a click. Lives in the page; owns the elements of
 * the notices, and what screen readers read out.
 *
 * @import { Status } from "../session/reports.js"
 * @import { StatusText } from "./status-text.js"
 */

import { icon } from "./icons.js";
import { mayBeSeen, withoutNumbers } from "./status-text.js";

export class Notices {
  /** @type {ParentNode} */
  #root;
  /** The text that is shown; null: none yet. @type {StatusText | null} */
  #shown = null;

  /**
   * @param {ParentNode} root  the shadow root, with the elements of template.js
   * @param {{ onaction: () => void, ontakeoffer: () => void }} events  clicks on the buttons
   */
  constructor(root, { onaction, ontakeoffer }) {
    this.#root = root;
    this.#part(".action").onclick = onaction;
    this.#part(".offer").onclick = ontakeoffer;
  }

  /** Shows a text. @param {StatusText} text @param {Status} status */
  show(text, status) {
    const isSame = this.#shown && withoutNumbers(this.#shown) === withoutNumbers(text);
    this.#shown = text;
    // A screen reader reads a countdown only once.
    if (!isSame) this.#part(".live").textContent = text.text;
    const action = this.#part(".action");
    const label = this.#part(".words");
    action.hidden = text.action === null;
    label.hidden = text.action !== null || text.quiet;
    const shown = text.action ? action : label;
    shown.className = `pill ${text.action ? "action" : "words"} ${text.tone}`;
    shown.replaceChildren(icon(text.tone), text.text);
    this.#part(".notices").classList.toggle("middle", !status.painted || !mayBeSeen(status));
  }

  /** Shows or hides the button that copies the desk's text. @param {boolean} isOffered */
  offer(isOffered) {
    const offer = this.#part(".offer");
    offer.hidden = !isOffered;
    offer.replaceChildren(icon("copy"), "Copy the text from the desk");
  }

  /** @param {string} selector @returns {HTMLElement} */
  #part(selector) {
    return /** @type {HTMLElement} */ (this.#root.querySelector(selector));
  }
}
