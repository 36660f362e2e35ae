// @ts-check
/**
 * The page's first code, which stands in the page itself. While app.js is still being loaded, it
 * signs in and asks for a first screenshot. It hands both on (`Started`) and decides nothing. When
 * a file of the page does not come, it asks for the file again.
 *
 * @import { FirstScreenshot } from "../screenshots/first-screenshot.js"
 *
 * @typedef {{ token: string | null, signedIn: Promise<void> | null,
 *   screenshot: Promise<FirstScreenshot | null> | null }} Started
 *
 * token: the one in the address. signedIn: settles when the token has been swapped for a cookie.
 * screenshot: of the desk in the address. Null: there is none.
 */

import { deskUrl, signIn, takeToken } from "./api.js";
import { fetchFirstScreenshot } from "../screenshots/first-screenshot.js";
import { rememberedMode } from "./preferences.js";

/** So often a file is asked for again, after a pause that doubles (ms). */
const TRIES = 8;
const PAUSE_MS = 300;
const PAUSE_MAX_MS = 5000;

/** @returns {Started} */
function start() {
  // First of all, so that the token leaves the address bar.
  const token = takeToken();
  const signedIn = token === null ? null : signIn(token);
  // app.js awaits it later, and handles the error then.
  signedIn?.catch(() => {});
  const desk = new URLSearchParams(location.search).get("desk");
  const isWanted =
    desk && document.visibilityState === "visible" && rememberedMode() !== "screenshots";
  const screenshot = isWanted
    ? fetchFirstScreenshot(new URL(`${deskUrl(desk)}screenshot`), { token })
    : null;
  return { token, signedIn, screenshot };
}

/**
 * A file did not come: a browser whose network changes fails all that it is loading.
 *
 * @param {Event} event
 */
function askAgain({ target }) {
  if (target instanceof HTMLScriptElement && target.src) {
    const script = document.createElement("script");
    script.type = "module";
    insertLater(target.src, (url) => (script.src = url), script);
  } else if (target instanceof HTMLLinkElement && target.rel === "stylesheet") {
    const link = document.createElement("link");
    link.rel = target.rel;
    insertLater(target.href, (url) => (link.href = url), link);
  }
}

/** @param {string} failed @param {(url: string) => void} setUrl @param {HTMLElement} element */
function insertLater(failed, setUrl, element) {
  const url = new URL(failed);
  const failures = Number(url.searchParams.get("again") ?? "0") + 1;
  if (failures > TRIES) return;
  // Under another address, because a page does not load a module again that failed.
  url.searchParams.set("again", String(failures));
  setUrl(url.href);
  const pause_ms = Math.min(PAUSE_MS * 2 ** (failures - 1), PAUSE_MAX_MS);
  setTimeout(() => document.head.append(element), pause_ms);
}

// The error of an element does not bubble, so this captures it.
addEventListener("error", askAgain, { capture: true });
Object.assign(globalThis, { fanlight: start() });
