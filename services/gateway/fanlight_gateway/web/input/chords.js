// @ts-check
/**
 * Recognises the key combinations that the page itself reacts to. Lives in the page. Pure.
 */

/**
 * Returns whether it is Ctrl+Alt+Shift+K, which gives the keyboard back to the page, for people
 * without a pointer.
 *
 * @param {Pick<KeyboardEvent, "code" | "ctrlKey" | "altKey" | "shiftKey">} event
 */
export function isLeaveChord(event) {
  return event.code === "KeyK" && event.ctrlKey && event.altKey && event.shiftKey;
}

/**
 * Returns whether this key makes the browser paste: Ctrl+V, Command+V or Shift+Insert.
 *
 * @param {Pick<KeyboardEvent, "code" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">} event
 */
export function isPasteChord(event) {
  if (event.altKey) return false;
  if (event.code === "KeyV") return event.ctrlKey || event.metaKey;
  return event.code === "Insert" && event.shiftKey && !event.ctrlKey;
}
