// @ts-check
/**
 * What a person reads about the connection. Pure: a status in, words out, in one place.
 *
 * @import { FallbackState, Mode, Reason } from "../session/fallback.js"
 *
 * @typedef {"connecting" | "open" | "waiting" | "closed"} ConnectionState
 * @typedef {Readonly<{
 *   connection: ConnectionState,
 *   closeCode: number | null,
 *   retry_in_ms: number | null,
 *   role: string | null,
 *   desk: string | null,
 *   video: string | null,
 *   fallback: FallbackState,
 *   mode: Mode,
 *   reason: Reason,
 *   visible: boolean,
 *   plain: boolean,
 *   painted: boolean,
 *   problem: "outdated" | "too-old" | "broken" | null,
 * }>} Status
 *
 * desk, video: the states the gateway told. plain: by plain HTTP. painted: a picture is on the
 * screen.
 *
 * @typedef {"ok" | "busy" | "warning" | "error"} Tone
 * @typedef {Readonly<{ text: string, tone: Tone, action: "retry" | "reconnect" | "reload" | null,
 *   quiet: boolean }>} Words
 *
 * action: what a click on the words does. quiet: no need to cover a part of the picture with it.
 */

import { CloseCode } from "../protocol/binary.js";

export const LOCKED_WORDS = "Video paused to save bandwidth. Click to retry.";

/** @type {Readonly<Record<string, string>>} */
const NO_DECODER = {
  insecure: "Screenshots: video needs a secure (https) address",
  unsupported: "Screenshots: this browser cannot play H.264 video",
};
const PLAIN_WORDS = "Screenshots: this network blocks WebSockets";
const WAITING = words("Waiting for a picture…", "busy");

/** @type {Readonly<Record<number, Words>>} */
const CLOSED = {
  [CloseCode.UNAUTHORIZED]: words("Not signed in, or the link has expired", "error"),
  [CloseCode.FORBIDDEN]: words("Not allowed: the link may be for another desk", "error"),
  [CloseCode.NO_SUCH_DESK]: reconnect("No desk of this name. Click to look again.", "error"),
  [CloseCode.REPLACED]: reconnect("Opened somewhere else. Click to use it here.", "warning"),
  [CloseCode.TOO_FAST]: reconnect("Too many messages. Click to connect again.", "error"),
};

/** @param {Status} status @returns {Words} */
export function describe(status) {
  if (status.problem === "outdated") {
    return words("This page is older than its server. Click to reload.", "error", "reload");
  }
  if (status.problem === "broken") {
    return words("The viewer broke. Click to reload.", "error", "reload");
  }
  if (status.problem === "too-old") {
    return words("This browser is too old to show a desk", "error");
  }
  switch (status.connection) {
    case "connecting":
      return words("Connecting…", "busy");
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

/** Before anything is known. @type {Status} */
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

/** Whether the picture on the screen is of now. @param {Status} status */
export function isFresh(status) {
  const { connection, desk, problem } = status;
  const isThere = desk !== "gone" && desk !== "away";
  return connection === "open" && isThere && problem === null && !lacksEncoder(status);
}

/** Video is to come, and nobody makes it: often for a moment only. @param {Status} status */
export function lacksEncoder({ fallback, plain, video }) {
  return fallback === "video" && !plain && video === "waiting";
}

/** Whether whoever sits here may see the desk, as far as is known. @param {Status} status */
export function mayBeSeen({ connection, closeCode }) {
  const isRefused = closeCode === CloseCode.UNAUTHORIZED || closeCode === CloseCode.FORBIDDEN;
  return connection !== "closed" || !isRefused;
}

/** The words without their numbers: of a countdown one hears once. @param {Words} words */
export function kind({ text }) {
  return text.replace(/\d+/g, "#");
}

/** @param {Status} status @returns {Words} */
function describeOpen(status) {
  if (!status.visible) return words("Paused while hidden", "busy");
  if (status.desk === "gone") return words("The desk has gone. Waiting for it…", "warning");
  if (status.desk === "away") {
    return words("The desk's display is away. Waiting for it…", "warning");
  }
  const isOwnReason = status.fallback === "screenshots" || status.fallback === "no-decoder";
  if (status.plain && !isOwnReason) return words(PLAIN_WORDS, "warning", null, status.painted);
  switch (status.fallback) {
    case "locked":
      return status.reason === "decoder"
        ? words("Video could not be shown. Click to retry.", "warning", "retry")
        : words(LOCKED_WORDS, "warning", "retry");
    case "measuring":
      return words("Measuring the connection…", "busy");
    case "screenshots":
      return status.painted ? words("Screenshots", "ok") : WAITING;
    case "no-decoder":
      return words(NO_DECODER[String(status.reason)], "warning", null, status.painted);
    case "video":
      if (status.video === "waiting") return words("Waiting for an encoder…", "busy");
      return status.painted ? words("Live video", "ok") : WAITING;
  }
}

/**
 * @param {string} text
 * @param {Tone} tone
 * @param {Words["action"]} [action]
 * @param {boolean} [quiet]
 * @returns {Words}
 */
function words(text, tone, action = null, quiet = tone === "ok") {
  return Object.freeze({ text, tone, action, quiet });
}

/** Words that connect when they are clicked. @param {string} text @param {Tone} tone */
function reconnect(text, tone) {
  return words(text, tone, "reconnect");
}
