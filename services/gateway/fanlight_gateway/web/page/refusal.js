// @ts-check
/**
 * Decides what the page says in place of a desk that it may not show, or that is not there. Lives
 * in the page. Pure. status-text.js has the short texts over a desk; these are longer, and say what
 * a person can do.
 *
 *   connection | close code                     | what is shown
 *   -----------+--------------------------------+--------------
 *   closed     | 1 `UNAUTHORIZED`, `FORBIDDEN`  | refusal
 *   closed     | 2 `NO_SUCH_DESK`               | missing
 *   closed     | 3 any other                    | view
 *   any other  | 4 any                          | view
 *
 * view: the view and its toolbar. refusal: why the gateway refuses the desk, and the list of desks,
 * in place of the view. missing: the same, and the page looks for the desk again. A test holds this
 * table against the code.
 *
 * @import { Desk } from "./api.js"
 * @import { Status } from "../session/reports.js"
 *
 * @typedef {Readonly<{ title: string, text: string, wantsLink: boolean }>} Refusal
 * wantsLink: whether a new link helps.
 *
 * @typedef {{ closeCode: number | null, desk: string, desks: Desk[] | null, hasSignedIn: boolean }}
 *   Refused
 * desks: the desks that the person may see; null if unknown. hasSignedIn: whether the page swapped
 * a token for a cookie that the gateway has never accepted.
 */

import { CloseCode } from "../protocol/constants.js";

/** @type {Refusal} */
export const FOREIGN = Object.freeze({
  title: "Not allowed from this address",
  text:
    "The gateway takes pages under its own address only. Its proxy has to pass Host on, or " +
    "FANLIGHT_GATEWAY_ALLOWED_ORIGINS has to name this one.",
  wantsLink: false,
});

/**
 * Returns what is shown for a desk of this status.
 *
 * @param {Pick<Status, "connection" | "closeCode">} status
 * @returns {"view" | "refusal" | "missing"}
 */
export function whatIsShown({ connection, closeCode }) {
  if (connection !== "closed") return "view";
  switch (closeCode) {
    case CloseCode.UNAUTHORIZED:
    case CloseCode.FORBIDDEN:
      return "refusal";
    case CloseCode.NO_SUCH_DESK:
      return "missing";
    default:
      return "view";
  }
}

/**
 * Returns the reason.
 *
 * @param {Refused} refused
 * @returns {Refusal | null} null: the desk is shown
 */
export function refusal({ closeCode, desk, desks, hasSignedIn }) {
  switch (closeCode) {
    case CloseCode.UNAUTHORIZED:
      return hasSignedIn
        ? say(
            "The sign-in did not last",
            "The link is good, but the browser does not send its cookie here. The gateway may be " +
              "meant for another path or for https: ask whoever runs it for the address. Or this " +
              "browser keeps no cookies.",
          )
        : say("Not signed in, or the link has expired", "", true);
    case CloseCode.FORBIDDEN:
      if (desks?.some(({ name }) => name === desk)) return FOREIGN;
      return say(
        "Not allowed",
        `The link that you opened is not for the desk “${desk}”.${listed(desks, " It is for:")}`,
      );
    case CloseCode.NO_SUCH_DESK:
      return say(
        "No desk of this name",
        `“${desk}” is not running, or is called otherwise. This page looks again by itself.` +
          listed(desks, " These are running:"),
      );
    default:
      return null;
  }
}

/** @param {Desk[] | null} desks @param {string} text */
function listed(desks, text) {
  if (desks === null) return "";
  return desks.length > 0 ? text : " No other is running that you may see.";
}

/** @param {string} title @param {string} text @param {boolean} [wantsLink] @returns {Refusal} */
function say(title, text, wantsLink = false) {
  return Object.freeze({ title, text, wantsLink });
}
