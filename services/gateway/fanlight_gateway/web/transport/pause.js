// @ts-check
/** A pause that can be awaited. Lives in the worker. It cannot be cut short, and drops nothing. */

/** @param {number} ms @returns {Promise<void>} */
export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
