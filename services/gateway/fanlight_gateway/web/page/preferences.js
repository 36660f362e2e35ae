// @ts-check
/**
 * Keeps a person's choice in this browser. Lives in the page.
 *
 * @import { Mode } from "../session/fallback.js"
 */

const MODE = "fanlight.mode";

/** Returns the mode that was chosen last. @returns {Mode} */
export function rememberedMode() {
  const mode = localStorage.getItem(MODE);
  return mode === "video" || mode === "screenshots" ? mode : "automatic";
}

/** Remembers the chosen mode. @param {Mode} mode */
export function rememberMode(mode) {
  localStorage.setItem(MODE, mode);
}
