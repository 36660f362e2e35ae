// @ts-check
/**
 * Lists what operating systems do differently with keys. Lives in the page. Pure.
 *
 * @typedef {"windows" | "mac" | "other"} Platform
 * @typedef {Readonly<{ altGrIsTwoKeys: boolean, metaHidesKeyUps: boolean,
 *   capsLockIsOneEvent: boolean }>} Quirks
 *
 * altGrIsTwoKeys: AltGr comes as ControlLeft and AltRight at once, although nobody pressed
 * ControlLeft. metaHidesKeyUps: no key-up comes for a key that was pressed together with Command.
 * capsLockIsOneEvent: CapsLock comes as one event, a key-down or a key-up, for each change of its
 * lamp.
 */

/** @type {Readonly<Record<Platform, Quirks>>} */
export const QUIRKS = Object.freeze({
  windows: { altGrIsTwoKeys: true, metaHidesKeyUps: false, capsLockIsOneEvent: false },
  mac: { altGrIsTwoKeys: false, metaHidesKeyUps: true, capsLockIsOneEvent: true },
  other: { altGrIsTwoKeys: false, metaHidesKeyUps: false, capsLockIsOneEvent: false },
});

/** Returns the platform of a browser. @param {string} userAgent @returns {Platform} */
export function platformOf(userAgent) {
  if (/Macintosh|iPhone|iPad/.test(userAgent)) return "mac";
  return userAgent.includes("Windows") ? "windows" : "other";
}
