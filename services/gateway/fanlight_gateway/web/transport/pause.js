// @ts-check
/** Lets async code wait. Lives in the worker. */

/** Waits for the time, which cannot be cut short. @param {number} ms @returns {Promise<void>} */
export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
