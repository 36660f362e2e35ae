// @ts-check
/**
 * The page's first code, which stands in the HTML itself. While app.js is still being loaded, it
 * signs in and asks for a first screenshot. Lives in the page; owns nothing, because it hands both
 * on (`Started`). It decides nothing. If a file of the page does not come, it asks for the file
 * again, `TRIES` times; after that it gives the file up without a message.
 *
 * @import { FirstScreenshot } from "../screenshots/first-screenshot.js"
 *
 * @typedef {{ token: string | null, signedIn: Promise<void> | null,
 *   screenshot: Promise<FirstScreenshot | null> | null }} Started
 *
 * token: the token in the address. signedIn: settles when the token has been swapped for a cookie.
 * screenshot: a picture of the desk in the address. Each is null if there is none.
 */

import { deskUrl, signIn, takeToken, tokenInAddress } from "./api.js";
import { fetchFirstScreenshot } from "../screenshots/first-screenshot.js";
import { rememberedMode } from "./preferences.js";

/** A file is asked for again at most this many times. */
const TRIES = 8;
/** The first and the longest pause before such a try (ms). It doubles from try to try. */
const PAUSE_MS = 300;
const PAUSE_MAX_MS = 5000;

/** Signs in, and asks for the screenshot. @returns {Started} */
function start() {
  // This comes first, so that the token leaves the address bar at once.
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
 * Asks again for a file that did not come, because a browser whose network changes fails all files
 * that it is loading.
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

/**
 * Inserts an element for a file that failed, after a pause.
 *
 * @param {string} failed  the file's URL
 * @param {(url: string) => void} setUrl  gives the element its URL
 * @param {HTMLElement} element
 */
function insertLater(failed, setUrl, element) {
  const url = new URL(failed);
  const failures = Number(url.searchParams.get("again") ?? "0") + 1;
  if (failures > TRIES) return;
  // The URL is another one, because a page does not load a failed module again.
  url.searchParams.set("again", String(failures));
  setUrl(url.href);
  const pause_ms = Math.min(PAUSE_MS * 2 ** (failures - 1), PAUSE_MAX_MS);
  setTimeout(() => document.head.append(element), pause_ms);
}

// A link that a person pastes into the open page changes the fragment alone, for which a browser does
// not load the page again.
addEventListener("hashchange", () => {
  if (tokenInAddress() !== null) location.reload();
});
// The error of an element does not bubble, so this captures it.
addEventListener("error", askAgain, { capture: true });
Object.assign(globalThis, { fanlight: start() });
