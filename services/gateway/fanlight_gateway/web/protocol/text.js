// @ts-check
/**
 * Counts and splits the texts of messages, which have limits. Pure; runs in the page and in the
 * worker.
 *
 * @import { Text } from "./binary.js"
 */

/** The longest text of one Text message, in bytes of UTF-8. */
export const MAX_TEXT_BYTES = 4096;
/** The longest text of a clipboard, in Unicode characters. */
export const MAX_CLIPBOARD_CHARS = 256 * 1024;

const UTF8 = new TextEncoder();

/**
 * Splits a text into Text messages of at most MAX_TEXT_BYTES each, between characters.
 *
 * @param {string} text
 * @returns {Text[]}
 */
export function splitText(text) {
  /** @type {Text[]} */
  const messages = [];
  let piece = "";
  let size = 0;
  for (const character of text) {
    const bytes = UTF8.encode(character).length;
    if (size + bytes > MAX_TEXT_BYTES) {
      messages.push({ type: "Text", text: piece });
      piece = "";
      size = 0;
    }
    piece += character;
    size += bytes;
  }
  if (piece) messages.push({ type: "Text", text: piece });
  return messages;
}

/**
 * Returns how many Unicode characters a text has, as Python counts them, and not UTF-16 units.
 *
 * @param {string} text
 */
export function characters(text) {
  let pairs = 0;
  for (let i = 0; i < text.length - 1; i++) {
    if ((text.charCodeAt(i) & 0xfc00) === 0xd800 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) {
      pairs++;
      i++;
    }
  }
  return text.length - pairs;
}
