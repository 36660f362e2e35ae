// @ts-check
/**
 * The page's entry. It signs in, and shows the chosen desk (`?desk=main`), the only desk, the list
 * of desks, or an error. Lives in the page.
 *
 * @import { Desk } from "./api.js"
 * @import { Started } from "./start.js"
 */

import { ApiError, listDesks, LOOK_AGAIN_MS, signIn } from "./api.js";
import { deskList } from "./desk-list.js";
import { showDesk } from "./desk-page.js";
import { linkHint, paragraph, showPage } from "./dom.js";
import { FOREIGN } from "./refusal.js";

const started = /** @type {{ fanlight: Started }} */ (/** @type {unknown} */ (globalThis)).fanlight;
const { token, signedIn } = started;

async function main() {
  try {
    // start.js may have failed while the network changed, so this tries again.
    if (token !== null) await signedIn?.catch(() => signIn(token));
    const chosen = new URLSearchParams(location.search).get("desk");
    // A person who has just signed in is shown the desk, without a request for the list before. If
    // something is wrong, the desk's own connection says so.
    if (chosen && token !== null) {
      showDesk(chosen, started);
      return;
    }
    const desks = await listDesks();
    if (chosen) showDesk(chosen, started);
    else if (desks.length === 1) showDesk(desks[0].name, started);
    else showList(desks);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    showError(error);
  }
}

/** @param {ApiError} error */
function showError(error) {
  if (error.status === 401) {
    showPage(
      token === null ? "Sign in with a link" : "This link is not valid",
      linkHint(token === null ? "" : "It may have expired, or be for another gateway. "),
    );
    return;
  }
  if (error.status === 403) {
    showPage(FOREIGN.title, paragraph(FOREIGN.text));
    return;
  }
  const text = `${capital(error.message)}. This page tries again by itself.`;
  showPage("The gateway cannot be reached", paragraph(text));
  setTimeout(() => void main(), LOOK_AGAIN_MS);
}

/** @param {Desk[]} desks */
function showList(desks) {
  if (desks.length === 0) {
    const text = "None is running that you may see. This page looks again by itself.";
    showPage("No desks", paragraph(text));
    setTimeout(() => void main(), LOOK_AGAIN_MS);
    return;
  }
  showPage("Desks", paragraph("Choose one to open it."), deskList(desks));
}

/** @param {string} text */
function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

void main();
