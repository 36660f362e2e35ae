// @ts-check
/**
 * Shows one desk on the page: the view with its toolbar. If the gateway refuses the desk, it shows
 * why, and which other desks there are. Lives in the page. refusal.js decides which of the two
 * is shown.
 *
 * @import { Desk } from "./api.js"
 * @import { ViewState } from "../element/fanlight-view.js"
 * @import { Status } from "../session/reports.js"
 * @import { Refusal } from "./refusal.js"
 * @import { Started } from "./start.js"
 */

import { FanlightView } from "../element/fanlight-view.js";
import { CloseCode } from "../protocol/constants.js";
import { ApiError, listDesks, LOOK_AGAIN_MS } from "./api.js";
import { deskList } from "./desk-list.js";
import { element, focusHeading, linkHint, paragraph, showPage } from "./dom.js";
import { rememberedMode } from "./preferences.js";
import { refusal, whatIsShown } from "./refusal.js";
import { toast } from "./toast.js";
import { showInToolbar, showStats, wireToolbar } from "./toolbar.js";

/** How often the desk's state has changed. Work that was begun for an earlier state is dropped. */
let stateNumber = 0;

/** Puts the view of a desk into the page. @param {string} desk @param {Started} started */
export function showDesk(desk, { token, screenshot }) {
  document.title = `${desk} · fanlight`;
  element("page").hidden = true;
  element("desk-name").textContent = element("desk-name").title = desk;
  for (const id of ["desk-name", "connection", "tools", "stage"]) element(id).hidden = false;
  const view = new FanlightView();
  view.desk = desk;
  view.mode = rememberedMode();
  view.firstScreenshot = screenshot;
  element("stage").prepend(view);
  wireToolbar(view);
  const hadToken = token !== null;
  view.addEventListener("state", (event) => {
    showState(view, /** @type {CustomEvent<ViewState>} */ (event).detail, hadToken);
  });
  showState(view, view.state, hadToken);
  view.addEventListener("stats", () => showStats(view));
  view.addEventListener("notice", (event) => {
    toast(/** @type {CustomEvent<{ message: string }>} */ (event).detail.message);
  });
  view.addEventListener("leave", () => {
    element("mode").focus();
    toast("The keyboard is with this page again. Click the desk to give it back.");
  });
  view.focus();
}

/**
 * Shows the view, or why the desk is refused.
 *
 * @param {FanlightView} view @param {ViewState} state @param {boolean} hadToken
 */
function showState(view, state, hadToken) {
  showInToolbar(state);
  stateNumber++;
  const { status } = state;
  const isRefused = whatIsShown(status) !== "view";
  for (const id of ["connection", "tools", "stage"]) element(id).hidden = isRefused;
  if (isRefused) {
    const describe = (/** @type {Desk[] | null} */ desks) =>
      refusalOf(view.desk, status, desks, hadToken);
    void showRefusal(view, status.closeCode, describe, stateNumber);
  } else if (!element("page").hidden) {
    element("page").hidden = true;
    view.focus();
  }
}

/**
 * Returns why the desk is refused.
 *
 * @param {string} desk
 * @param {Status} status
 * @param {Desk[] | null} desks  null if unknown
 * @param {boolean} hadToken  whether the address had a token
 * @returns {Refusal | null} null if the desk is shown
 */
function refusalOf(desk, status, desks, hadToken) {
  // The token was swapped for a cookie, and the gateway has never let the cookie in.
  const hasSignedIn = hadToken && status.role === null;
  return refusal({ closeCode: status.closeCode, desk, desks, hasSignedIn });
}

/**
 * Shows why the desk is refused, and which desks there are. Looks again for a desk that is missing.
 *
 * @param {FanlightView} view
 * @param {number | null} closeCode
 * @param {(desks: Desk[] | null) => Refusal | null} describe
 * @param {number} number  the `stateNumber` that this is about
 * @param {string | null} [shown]  the list that is shown already, as JSON
 */
async function showRefusal(view, closeCode, describe, number, shown = null) {
  // This comes first, because nothing outside of the full screen can get the focus. It rejects if
  // the person has left the full screen already.
  if (document.fullscreenElement) await document.exitFullscreen().catch(() => {});
  const desks = closeCode === CloseCode.UNAUTHORIZED ? null : await desksIfKnown();
  if (number !== stateNumber) return;
  const isMissing = whatIsShown({ connection: "closed", closeCode }) === "missing";
  if (isMissing && shown !== null && desks?.some(({ name }) => name === view.desk)) {
    view.reconnect();
    return;
  }
  const found = JSON.stringify(desks);
  // An equal list is not shown anew, so that its pictures do not flicker.
  if (found !== shown) {
    const { title, text, wantsLink } = /** @type {Refusal} */ (describe(desks));
    const words = wantsLink ? linkHint(text) : paragraph(text);
    showPage(title, words, ...(desks?.length ? [deskList(desks)] : []));
    // The focus was in the desk, which is hidden now.
    if (shown === null) focusHeading();
  }
  if (!isMissing) return;
  setTimeout(() => {
    if (number === stateNumber) void showRefusal(view, closeCode, describe, number, found);
  }, LOOK_AGAIN_MS);
}

/** Returns the list of desks. @returns {Promise<Desk[] | null>} null if it cannot be had */
async function desksIfKnown() {
  try {
    return await listDesks();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return null;
  }
}
