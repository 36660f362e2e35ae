// @ts-check
/**
 * Decides what a person reads about the connection: a status goes in, a text comes out. Lives in
 * the page. Pure. Only page/refusal.js has more such texts.
 *
 * @import { Status } from "../session/reports.js"
 *
 * @typedef {"ok" | "busy" | "warning" | "error"} Tone
 * @typedef {Readonly<{ text: string, tone: Tone, action: "retry" | "reconnect" | "reload" | null,
 *   quiet: boolean }>} StatusText
 *
 * action: what a click on the text does. quiet: whether the text may be hidden, so that it covers
 * no part of the picture.
 */

import { CloseCode } from "../protocol/constants.js";

export const LOCKED_TEXT = "Video paused to save bandwidth. Click to retry.";

/** @type {Readonly<Record<string, string>>} */
const NO_DECODER = {
  insecure: "Screenshots: video needs a secure (https) address",
  unsupported: "Screenshots: this browser cannot play H.264 video",
};
const PLAIN_TEXT = "Screenshots: this network blocks WebSockets";
const WAITING = text("Waiting for a picture…", "busy");

/** @type {Readonly<Record<number, StatusText>>} */
const CLOSED = {
  [CloseCode.UNAUTHORIZED]: text("Not signed in, or the link has expired", "error"),
  [CloseCode.FORBIDDEN]: text("Not allowed: the link may be for another desk", "error"),
  [CloseCode.NO_SUCH_DESK]: reconnect("No desk of this name. Click to look again.", "error"),
  [CloseCode.REPLACED]: reconnect("Opened somewhere else. Click to use it here.", "warning"),
  [CloseCode.TOO_FAST]: reconnect("Too many messages. Click to connect again.", "error"),
};

/** Returns the text for a status. @param {Status} status @returns {StatusText} */
export function describeStatus(status) {
  if (status.problem === "outdated") {
    return text("This page is older than its server. Click to reload.", "error", "reload");
  }
  if (status.problem === "broken") {
    return text("The viewer broke. Click to reload.", "error", "reload");
  }
  if (status.problem === "too-old") {
    return text("This browser is too old to show a desk", "error");
  }
  switch (status.connection) {
    case "connecting":
      return text("Connecting…", "busy");
    case "waiting": {
      const seconds = Math.ceil((status.retry_in_ms ?? 0) / 1000);
      return reconnect(seconds > 0 ? `Reconnecting in ${seconds} s` : "Reconnecting…", "busy");
    }
    case "closed":
      return (
        CLOSED[status.closeCode ?? 0] ??
        reconnect("The connection was refused. Click to connect again.", "error")
      );
    case "open":
      return describeOpen(status);
  }
}

/** The status before the gateway has told anything. @type {Status} */
export const INITIAL_STATUS = Object.freeze({
  connection: "connecting",
  closeCode: null,
  retry_in_ms: null,
  role: null,
  desk: null,
  video: null,
  fallback: "video",
  mode: "automatic",
  reason: null,
  visible: true,
  plain: false,
  painted: false,
  problem: null,
});

/** Returns whether the picture on the canvas is the current one. @param {Status} status */
export function isFresh(status) {
  const { connection, desk, problem } = status;
  const isThere = desk !== "gone" && desk !== "away";
  return connection === "open" && isThere && problem === null && !lacksEncoder(status);
}

/**
 * Returns whether video is due but no encoder makes it. This often lasts only a moment.
 *
 * @param {Status} status
 */
export function lacksEncoder({ fallback, plain, video }) {
  return fallback === "video" && !plain && video === "waiting";
}

/** Returns whether this person may see the desk, as far as is known. @param {Status} status */
export function mayBeSeen({ connection, closeCode }) {
  const isRefused = closeCode === CloseCode.UNAUTHORIZED || closeCode === CloseCode.FORBIDDEN;
  return connection !== "closed" || !isRefused;
}

/**
 * Returns a text without its numbers, so that the texts of a countdown are equal.
 *
 * @param {StatusText} status
 */
export function withoutNumbers({ text }) {
  return text.replace(/\d+/g, "#");
}

/** Returns the text while the connection is open. @param {Status} status @returns {StatusText} */
function describeOpen(status) {
  if (!status.visible) return text("Paused while hidden", "busy");
  if (status.desk === "gone") return text("The desk has gone. Waiting for it…", "warning");
  if (status.desk === "away") {
    return text("The desk's display is away. Waiting for it…", "warning");
  }
  const isOwnReason = status.fallback === "screenshots" || status.fallback === "no-decoder";
  if (status.plain && !isOwnReason) return text(PLAIN_TEXT, "warning", null, status.painted);
  switch (status.fallback) {
    case "locked":
      return status.reason === "decoder"
        ? text("Video could not be shown. Click to retry.", "warning", "retry")
        : text(LOCKED_TEXT, "warning", "retry");
    case "measuring":
      return text("Measuring the connection…", "busy");
    case "screenshots":
      return status.painted ? text("Screenshots", "ok") : WAITING;
    case "no-decoder":
      return text(NO_DECODER[String(status.reason)], "warning", null, status.painted);
    case "video":
      if (status.video === "waiting") return text("Waiting for an encoder…", "busy");
      return status.painted ? text("Live video", "ok") : WAITING;
  }
}

/**
 * Makes a text.
 *
 * @param {string} words
 * @param {Tone} tone
 * @param {StatusText["action"]} [action]
 * @param {boolean} [quiet]
 * @returns {StatusText}
 */
function text(words, tone, action = null, quiet = tone === "ok") {
  return Object.freeze({ text: words, tone, action, quiet });
}

/** Makes a text that connects when it is clicked. @param {string} words @param {Tone} tone */
function reconnect(words, tone) {
  return text(words, tone, "reconnect");
}
