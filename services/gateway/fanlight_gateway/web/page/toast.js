// @ts-check
/**
 * Shows a short message that goes away by itself. Lives in the page; owns its element and timer. A
 * new message replaces the one before.
 */

import { element } from "./dom.js";

/** How long a message is shown (ms). */
const SHOWN_MS = 6000;

/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/** Shows a message. @param {string} text */
export function toast(text) {
  const box = element("toast");
  box.textContent = text;
  box.hidden = false;
  clearTimeout(timer);
  timer = setTimeout(() => {
    box.hidden = true;
  }, SHOWN_MS);
}
