// @ts-check
/**
 * What this browser remembers of a person's choice. Lives in the page.
 *
 * @import { Mode } from "../session/fallback.js"
 */

const MODE = "fanlight.mode";

/** @returns {Mode} */
export function rememberedMode() {
  const mode = localStorage.getItem(MODE);
  return mode === "video" || mode === "screenshots" ? mode : "automatic";
}

/** @param {Mode} mode */
export function rememberMode(mode) {
  localStorage.setItem(MODE, mode);
}
