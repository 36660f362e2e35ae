// @ts-check
/**
 * The page's first code, which stands within it: while the application is still on its way, it signs
 * in and asks for a first picture. It hands both on (`Started`), decides nothing, and asks again for
 * a file of the page that did not come.
 *
 * @import { Still } from "../screenshots/first-screenshot.js"
 *
 * @typedef {{ token: string | null, signedIn: Promise<void> | null, still: Promise<Still | null> | null }}
 *   Started
 *
 * token: the address had one. signedIn: with it. still: of the desk in the address.
 */

import { deskUrl, signIn, takeToken } from "./api.js";
import { firstStill } from "../screenshots/first-screenshot.js";
import { rememberedMode } from "./preferences.js";

/** A file that does not come is asked for so often, after a pause that doubles. */
const TRIES = 8;
const PAUSE_MS = 300;
const PAUSE_MAX_MS = 5000;

/** @returns {Started} */
function start() {
  // Before anything else: the token leaves the address bar.
  const token = takeToken();
  const signedIn = token === null ? null : signIn(token);
  // Whoever awaits it later hears of it then.
  signedIn?.catch(() => {});
  const desk = new URLSearchParams(location.search).get("desk");
  const isWanted =
    desk && document.visibilityState === "visible" && rememberedMode() !== "screenshots";
  const still = isWanted ? firstStill(new URL(`${deskUrl(desk)}screenshot`), { token }) : null;
  return { token, signedIn, still };
}

/** A browser whose network changes fails all that is on its way. @param {Event} event */
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
  // Under another address: a module that a page did not find, it does not look for again.
  url.searchParams.set("again", String(failures));
  setUrl(url.href);
  const pause_ms = Math.min(PAUSE_MS * 2 ** (failures - 1), PAUSE_MAX_MS);
  setTimeout(() => document.head.append(element), pause_ms);
}

// An element's error does not bubble.
addEventListener("error", askAgain, { capture: true });
Object.assign(globalThis, { fanlight: start() });
