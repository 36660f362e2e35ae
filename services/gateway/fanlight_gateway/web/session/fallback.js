// @ts-check
/**
 * Decides between video and screenshots; nothing else does. Lives in the worker. Pure: an event and
 * the time (ms) go in, and the next machine and its effects come out. The machine outlives every
 * connection. It drops the events that its state has no use for.
 *
 *   state       | event                                                       | next state
 *   ------------+-------------------------------------------------------------+------------
 *   video       | rtt: over its limit for `sustain_ms`                        | locked
 *   video       | age: a picture too old when painted, for `sustain_ms`       | locked
 *   video       | silent: for the second time within `SILENCE_MEMORY_MS`      | locked
 *   video       | decoder-failed                                              | locked
 *   locked      | click                                                       | measuring
 *   measuring   | rtt: after `MIN_BASE_SAMPLES` and `RETRY_MEASURE_MS`        | video
 *   video       | mode: screenshots                                           | screenshots
 *   locked      | mode: screenshots                                           | screenshots
 *   measuring   | mode: screenshots                                           | screenshots
 *   locked      | mode: video                                                 | video
 *   measuring   | mode: video                                                 | video
 *   screenshots | mode: video                                                 | video
 *   locked      | mode: automatic                                             | measuring
 *   screenshots | mode: automatic                                             | measuring
 *   any         | decoder-missing                                             | no-decoder
 *
 * Every other event leaves the state as it is. A test holds this table against the code.
 *
 * Only a person leads out of `locked`. Without video the network looks healthy, so a machine that
 * went back to video by itself would change every few seconds, for ever. `rtt`, `age` and `silent`
 * lock only in the mode `automatic`, while the page is visible. `no-decoder` (a browser without
 * H.264) is final.
 *
 * One silence means that the network went away, for example in a tunnel. Video goes on after it.
 * After a retry, the RTT itself does not count any more; its inflation over the base that the retry
 * measured counts. So one click keeps video on a long, clean path.
 *
 * Plain HTTP (`plain`) carries no video, so screenshots are fetched in every state. The state stays
 * what it was: a viewer that was locked comes back locked, and a viewer in `video` comes back to
 * video by itself, because no bad picture took video from it. The RTT of plain HTTP is ignored.
 *
 * @import { Settings } from "../protocol/settings.js"
 * @import { Stretch } from "../measure/sustained.js"
 *
 * @typedef {"automatic" | "video" | "screenshots"} Mode
 * @typedef {"network" | "decoder" | "insecure" | "unsupported" | null} Reason
 * @typedef {"video" | "locked" | "measuring" | "screenshots" | "no-decoder"} FallbackState
 *
 * @typedef {Readonly<{
 *   state: FallbackState, mode: Mode, reason: Reason,
 *   visible: boolean, plain: boolean,
 *   hasBase: boolean,
 *   measuringSince_ms: number | null,
 *   measured: number,
 *   slow: Stretch, old: Stretch,
 *   silent_ms: number | null,
 * }>} Fallback
 *
 * mode: what the person chose. reason: why the state is `locked` or `no-decoder`.
 * hasBase: a retry has measured the base RTT, so the inflation over it is judged from now on.
 * measuringSince_ms: null until the first sample, so that a measurement waits for a connection.
 * measured: how many samples this measurement has. slow, old: since when the RTT or age is bad.
 * silent_ms: when the last silence ended video.
 *
 * @typedef {{ type: "rtt", rtt_ms: number, base_rtt_ms: number }
 *   | { type: "age", age_ms: number }
 *   | { type: "click" }
 *   | { type: "mode", mode: Mode }
 *   | { type: "visible", visible: boolean }
 *   | { type: "connected", plain?: boolean }
 *   | { type: "silent" }
 *   | { type: "decoder-failed" }
 *   | { type: "decoder-missing", reason: "insecure" | "unsupported" }} FallbackEvent
 *
 * @typedef {"video-on" | "video-off" | "screenshots-on" | "screenshots-off" | "reset-base"
 *   | "changed"} FallbackEffect
 */

import { lasted, observe } from "../measure/sustained.js";

/** For how long a retry measures the base RTT without video (ms): a queue has to drain first. */
const RETRY_MEASURE_MS = 1000;
/** After a retry, an RTT this far above its base is bad (ms), because only a queue counts then. */
const INFLATION_LIMIT_MS = 150;
/** A second silence within this time locks video (ms). One alone may be a tunnel. */
export const SILENCE_MEMORY_MS = 60_000;
/** A retry takes at least this many samples, because a base RTT of fewer is chance. */
export const MIN_BASE_SAMPLES = 3;

/**
 * @template {FallbackEvent["type"]} E
 * @typedef {(machine: Fallback, event: Extract<FallbackEvent, { type: E }>, now_ms: number,
 *   settings: Readonly<Settings>) => Fallback} Rule
 */
/** @typedef {{ [E in FallbackEvent["type"]]?: Rule<E> }} Rules */

/** What each event does in each state. @type {Readonly<Record<FallbackState, Rules>>} */
const RULES = {
  video: { rtt: judgeRtt, age: judgeAge, silent: judgeSilence, "decoder-failed": decoderFailed },
  locked: { click: clicked },
  measuring: { rtt: measure },
  screenshots: {},
  "no-decoder": { mode: keepMode },
};
/** What the other events do, whatever the state. @type {Readonly<Rules>} */
const RULES_OF_ANY_STATE = {
  mode: chooseMode,
  visible: show,
  connected: connect,
  "decoder-missing": decoderMissing,
};

/**
 * @param {Mode} [mode]
 * @param {boolean} [visible]
 * @returns {Fallback}
 */
export function initialFallback(mode = "automatic", visible = true) {
  return Object.freeze({
    state: mode === "screenshots" ? "screenshots" : "video",
    mode,
    reason: null,
    visible,
    plain: false,
    hasBase: false,
    measuringSince_ms: null,
    measured: 0,
    slow: null,
    old: null,
    silent_ms: null,
  });
}

/** Returns whether the gateway is to send video. @param {Fallback} machine */
export function wantsVideo({ visible, plain, state }) {
  return visible && !plain && state === "video";
}

/**
 * Returns whether screenshots are to be fetched. They are not while the base RTT is measured,
 * because on a thin link they would make the very queue that must not be in the base.
 *
 * @param {Fallback} machine
 */
export function wantsScreenshots({ visible, plain, state }) {
  return visible && (plain || (state !== "video" && state !== "measuring"));
}

/**
 * Returns the machine after the event, and what has to be done. Changes nothing.
 *
 * @param {Fallback} machine
 * @param {FallbackEvent} event
 * @param {number} now_ms
 * @param {Readonly<Settings>} settings
 * @returns {[Fallback, FallbackEffect[]]}
 */
export function stepFallback(machine, event, now_ms, settings) {
  const rule = RULES[machine.state][event.type] ?? RULES_OF_ANY_STATE[event.type];
  if (!rule) return [machine, []];
  const apply = /** @type {Rule<any>} */ (rule);
  const next = Object.freeze(apply(machine, event, now_ms, settings));
  return [next, effects(machine, next)];
}

/** @type {Rule<"rtt">} */
function judgeRtt(machine, { rtt_ms, base_rtt_ms }, now_ms, settings) {
  if (!mayLock(machine)) return machine;
  const isBad = machine.hasBase
    ? rtt_ms - base_rtt_ms > INFLATION_LIMIT_MS
    : rtt_ms >= settings.rtt_limit_ms;
  const slow = observe(machine.slow, isBad, now_ms, settings.sustain_ms);
  return lasted(slow, settings.sustain_ms) ? lock(machine, "network") : { ...machine, slow };
}

/** @type {Rule<"age">} */
function judgeAge(machine, { age_ms }, now_ms, settings) {
  if (!mayLock(machine)) return machine;
  const old = observe(machine.old, age_ms > settings.age_limit_ms, now_ms, settings.sustain_ms);
  return lasted(old, settings.sustain_ms) ? lock(machine, "network") : { ...machine, old };
}

/** @type {Rule<"silent">} */
function judgeSilence(machine, _, now_ms) {
  if (!mayLock(machine)) return machine;
  const { silent_ms } = machine;
  const isAgain = silent_ms !== null && now_ms - silent_ms < SILENCE_MEMORY_MS;
  return { ...(isAgain ? lock(machine, "network") : machine), silent_ms: now_ms };
}

/** @type {Rule<"decoder-failed">} */
function decoderFailed(machine) {
  return lock(machine, "decoder");
}

/** @type {Rule<"decoder-missing">} */
function decoderMissing(machine, { reason }) {
  return { ...judgeAnew(machine), state: "no-decoder", reason };
}

/** @type {Rule<"click">} */
function clicked(machine) {
  return machine.plain ? machine : retry(machine);
}

/** @type {Rule<"rtt">} */
function measure(machine, _, now_ms) {
  if (machine.plain) return machine;
  const since_ms = machine.measuringSince_ms ?? now_ms;
  const measured = machine.measured + 1;
  if (measured < MIN_BASE_SAMPLES || now_ms - since_ms < RETRY_MEASURE_MS) {
    return { ...machine, measuringSince_ms: since_ms, measured };
  }
  return { ...judgeAnew(machine), state: "video", reason: null, hasBase: true };
}

/**
 * A person chose a mode, which counts as a click. From screenshots back to `automatic`, the base
 * RTT is measured first, as in a retry.
 *
 * @type {Rule<"mode">}
 */
function chooseMode(machine, { mode }) {
  if (mode === machine.mode) return machine;
  if (mode === "screenshots") {
    return { ...judgeAnew(machine), mode, state: "screenshots", reason: null };
  }
  if (mode === "video" || machine.state === "video") {
    return { ...judgeAnew(machine), mode, state: "video", reason: null };
  }
  return { ...retry(machine), mode };
}

/** @type {Rule<"mode">} */
function keepMode(machine, { mode }) {
  return { ...machine, mode };
}

/** @type {Rule<"visible">} */
function show(machine, { visible }) {
  return { ...judgeAnew(machine), visible };
}

/**
 * Measures anew, because what the old connection showed says nothing about this one.
 *
 * @type {Rule<"connected">}
 */
function connect(machine, { plain = false }) {
  return { ...judgeAnew(machine), plain, measuringSince_ms: null, measured: 0 };
}

/** Returns whether the network may end video now. @param {Fallback} machine */
function mayLock(machine) {
  return machine.mode === "automatic" && wantsVideo(machine);
}

/** @param {Fallback} machine @param {Reason} reason @returns {Fallback} */
function lock(machine, reason) {
  return { ...judgeAnew(machine), state: "locked", reason };
}

/** @param {Fallback} machine @returns {Fallback} */
function retry(machine) {
  const begun = { ...judgeAnew(machine), measuringSince_ms: null, measured: 0 };
  return { ...begun, state: "measuring", reason: null };
}

/** Forgets for how long something has been bad. @param {Fallback} machine @returns {Fallback} */
function judgeAnew(machine) {
  return { ...machine, slow: null, old: null };
}

/** @param {Fallback} before @param {Fallback} after @returns {FallbackEffect[]} */
function effects(before, after) {
  /** @type {FallbackEffect[]} */
  const list = [];
  if (wantsVideo(before) && !wantsVideo(after)) list.push("video-off");
  if (wantsScreenshots(before) && !wantsScreenshots(after)) list.push("screenshots-off");
  if (!wantsVideo(before) && wantsVideo(after)) list.push("video-on");
  if (!wantsScreenshots(before) && wantsScreenshots(after)) list.push("screenshots-on");
  if (before.state !== "measuring" && after.state === "measuring") list.push("reset-base");
  const shown = /** @type {const} */ (["state", "mode", "reason", "visible", "plain"]);
  if (shown.some((name) => before[name] !== after[name])) list.push("changed");
  return list;
}
