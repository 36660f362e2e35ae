// @ts-check
/**
 * Video or screenshots: the one place that decides. Pure: events in, with the time (ms) as an
 * argument; the next machine and its effects out. It outlives every socket.
 *
 *                 bad for 3 s, or the decoder failed
 *      VIDEO ------------------------------------------> LOCKED
 *        ^                                                 | a person's click
 *        |    base RTT measured, with nothing else flowing v
 *        +------------------------------------------- MEASURING
 *
 * SCREENSHOTS is a person's choice; NO_DECODER is a browser without H.264, for good.
 *
 * Once locked, only a person leads back: with video gone the link looks healthy, and going back by
 * itself would oscillate every few seconds, for ever. "Bad" is an RTT over the limit or a picture
 * that is too old when it is painted. Nothing at all is another matter: a link that went away, which
 * video outlives, once. After a retry the RTT counts no longer, only its inflation
 * over the base that the retry measured: on a long, clean path one click keeps video.
 *
 * Without a WebSocket (`plain`) there are screenshots whatever the state, which stays what it was:
 * a locked viewer comes back locked; one in VIDEO comes back to video by itself, because it was no
 * bad picture that took video from it. The RTT of plain HTTP decides nothing.
 *
 * @import { Settings } from "../protocol/settings.js"
 * @import { Stretch } from "../measure/sustained.js"
 *
 * @typedef {"automatic" | "video" | "screenshots"} Mode
 * @typedef {"network" | "decoder" | "insecure" | "unsupported" | null} Reason
 *
 * @typedef {Readonly<{
 *   state: FallbackState,
 *   mode: Mode,
 *   reason: Reason,
 *   visible: boolean,
 *   plain: boolean,
 *   hasBase: boolean,
 *   measuringSince_ms: number | null,
 *   measured: number,
 *   slow: Stretch,
 *   old: Stretch,
 *   silent_ms: number | null,
 * }>} Fallback
 *
 * reason: why it is LOCKED or NO_DECODER.
 * plain: connected by plain HTTP, which carries no video.
 * hasBase: a retry measured the base RTT, so inflation is the measure from now on.
 * silent_ms: when video last ended in a silence.
 * measuringSince_ms: null until the first sample, so that a measurement over a dead socket waits.
 *
 * @typedef {"video" | "locked" | "measuring" | "screenshots" | "no-decoder"} FallbackState
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
 * @typedef {"video-on" | "video-off" | "stills-on" | "stills-off" | "reset-base" | "changed"
 *   } FallbackEffect
 */

import { lasted, observe } from "../measure/sustained.js";

export const FallbackState = Object.freeze({
  VIDEO: /** @type {const} */ ("video"),
  LOCKED: /** @type {const} */ ("locked"),
  MEASURING: /** @type {const} */ ("measuring"),
  SCREENSHOTS: /** @type {const} */ ("screenshots"),
  NO_DECODER: /** @type {const} */ ("no-decoder"),
});

/** A base made of fewer round trips is chance. */
export const MIN_BASE_SAMPLES = 3;

/**
 * @param {Mode} [mode]
 * @param {boolean} [visible]
 * @returns {Fallback}
 */
export function initialFallback(mode = "automatic", visible = true) {
  return Object.freeze({
    state: mode === "screenshots" ? FallbackState.SCREENSHOTS : FallbackState.VIDEO,
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

/** Whether the gateway is to send video. @param {Fallback} machine */
export function wantsVideo(machine) {
  return machine.visible && !machine.plain && machine.state === FallbackState.VIDEO;
}

/**
 * Why video was left by itself, in this step; null where it was not, or a person chose so.
 *
 * @param {Fallback} before
 * @param {FallbackEvent} event
 * @param {Fallback} after
 * @returns {string | null}
 */
export function fallReason(before, event, after) {
  const { LOCKED, NO_DECODER } = FallbackState;
  if (after.state === before.state) return null;
  if (after.state !== LOCKED && after.state !== NO_DECODER) return null;
  if (after.reason !== "network") return after.reason;
  if (event.type === "silent") return "silence";
  return event.type === "age" ? "age" : "rtt";
}

/**
 * Whether stills are to be fetched. Not while the base RTT is measured: on a thin link they would
 * be the very queue that must not be in it.
 *
 * @param {Fallback} machine
 */
export function wantsStills(machine) {
  const { VIDEO, MEASURING } = FallbackState;
  const isOther = machine.state !== VIDEO && machine.state !== MEASURING;
  return machine.visible && (machine.plain || isOther);
}

/**
 * @param {Fallback} machine
 * @param {FallbackEvent} event
 * @param {number} now_ms
 * @param {Readonly<Settings>} settings
 * @returns {[Fallback, FallbackEffect[]]}
 */
export function stepFallback(machine, event, now_ms, settings) {
  const next = Object.freeze(advance(machine, event, now_ms, settings));
  return [next, effects(machine, next)];
}

/**
 * @param {Fallback} machine
 * @param {FallbackEvent} event
 * @param {number} now_ms
 * @param {Readonly<Settings>} settings
 * @returns {Fallback}
 */
function advance(machine, event, now_ms, settings) {
  switch (event.type) {
    case "rtt":
      if (machine.plain) return machine;
      return machine.state === FallbackState.MEASURING
        ? measure(machine, now_ms, settings)
        : judgeRtt(machine, event.rtt_ms, event.base_rtt_ms, now_ms, settings);
    case "age":
      return judgeAge(machine, event.age_ms, now_ms, settings);
    case "click":
      return machine.state === FallbackState.LOCKED && !machine.plain ? retry(machine) : machine;
    case "mode":
      return choose(machine, event.mode);
    case "visible":
      return { ...calm(machine), visible: event.visible };
    case "connected":
      // What was seen on the old socket says nothing of this one; state and mode stay.
      return {
        ...calm(machine),
        plain: event.plain ?? false,
        measuringSince_ms: null,
        measured: 0,
      };
    case "silent":
      return fellSilent(machine, now_ms, settings);
    case "decoder-failed":
      return machine.state === FallbackState.VIDEO ? lock(machine, "decoder") : machine;
    case "decoder-missing":
      return { ...calm(machine), state: FallbackState.NO_DECODER, reason: event.reason };
  }
}

/**
 * @param {Fallback} machine
 * @param {number} rtt_ms
 * @param {number} base_rtt_ms
 * @param {number} now_ms
 * @param {Readonly<Settings>} settings
 * @returns {Fallback}
 */
function judgeRtt(machine, rtt_ms, base_rtt_ms, now_ms, settings) {
  if (!mayFallBack(machine)) return machine;
  const bad = machine.hasBase
    ? rtt_ms - base_rtt_ms > settings.inflation_limit_ms
    : rtt_ms >= settings.rtt_limit_ms;
  const slow = observe(machine.slow, bad, now_ms, settings.sustain_ms);
  return lasted(slow, settings.sustain_ms) ? lock(machine, "network") : { ...machine, slow };
}

/**
 * @param {Fallback} machine
 * @param {number} age_ms
 * @param {number} now_ms
 * @param {Readonly<Settings>} settings
 * @returns {Fallback}
 */
function judgeAge(machine, age_ms, now_ms, settings) {
  if (!mayFallBack(machine)) return machine;
  const old = observe(machine.old, age_ms > settings.age_limit_ms, now_ms, settings.sustain_ms);
  return lasted(old, settings.sustain_ms) ? lock(machine, "network") : { ...machine, old };
}

/**
 * The link went away with video on it. Once, that is a tunnel, and video goes on behind it. Again
 * so soon, video may be why.
 *
 * @param {Fallback} machine
 * @param {number} now_ms
 * @param {Readonly<Settings>} settings
 * @returns {Fallback}
 */
function fellSilent(machine, now_ms, settings) {
  if (!mayFallBack(machine)) return machine;
  const { silent_ms } = machine;
  const isAgain = silent_ms !== null && now_ms - silent_ms < settings.silence_memory_ms;
  return { ...(isAgain ? lock(machine, "network") : machine), silent_ms: now_ms };
}

/** Whether the network may end video now. @param {Fallback} machine */
function mayFallBack(machine) {
  return machine.mode === "automatic" && wantsVideo(machine);
}

/**
 * One more round trip with video off; after enough of them, video.
 *
 * @param {Fallback} machine
 * @param {number} now_ms
 * @param {Readonly<Settings>} settings
 * @returns {Fallback}
 */
function measure(machine, now_ms, settings) {
  const since_ms = machine.measuringSince_ms ?? now_ms;
  const measured = machine.measured + 1;
  if (measured < MIN_BASE_SAMPLES || now_ms - since_ms < settings.retry_measure_ms) {
    return { ...machine, measuringSince_ms: since_ms, measured };
  }
  return { ...calm(machine), state: FallbackState.VIDEO, reason: null, hasBase: true };
}

/** @param {Fallback} machine @param {Reason} reason @returns {Fallback} */
function lock(machine, reason) {
  return { ...calm(machine), state: FallbackState.LOCKED, reason };
}

/** @param {Fallback} machine @returns {Fallback} */
function retry(machine) {
  return {
    ...calm(machine),
    state: FallbackState.MEASURING,
    reason: null,
    measuringSince_ms: null,
    measured: 0,
  };
}

/**
 * A person chose a mode, which is a click like any other. Whoever comes back from screenshots to
 * `automatic` gets the base measured first, as with a retry.
 *
 * @param {Fallback} machine
 * @param {Mode} mode
 * @returns {Fallback}
 */
function choose(machine, mode) {
  if (mode === machine.mode) return machine;
  if (machine.state === FallbackState.NO_DECODER) return { ...machine, mode };
  if (mode === "screenshots") {
    return { ...calm(machine), mode, state: FallbackState.SCREENSHOTS, reason: null };
  }
  if (mode === "video" || machine.state === FallbackState.VIDEO) {
    return { ...calm(machine), mode, state: FallbackState.VIDEO, reason: null };
  }
  return { ...retry(machine), mode };
}

/** Begin every judgement anew. @param {Fallback} machine @returns {Fallback} */
function calm(machine) {
  return { ...machine, slow: null, old: null };
}

/**
 * @param {Fallback} before
 * @param {Fallback} after
 * @returns {FallbackEffect[]}
 */
function effects(before, after) {
  /** @type {FallbackEffect[]} */
  const list = [];
  if (wantsVideo(before) && !wantsVideo(after)) list.push("video-off");
  if (wantsStills(before) && !wantsStills(after)) list.push("stills-off");
  if (!wantsVideo(before) && wantsVideo(after)) list.push("video-on");
  if (!wantsStills(before) && wantsStills(after)) list.push("stills-on");
  const { MEASURING } = FallbackState;
  if (before.state !== MEASURING && after.state === MEASURING) list.push("reset-base");
  if (
    before.state !== after.state ||
    before.mode !== after.mode ||
    before.reason !== after.reason ||
    before.visible !== after.visible ||
    before.plain !== after.plain
  ) {
    list.push("changed");
  }
  return list;
}
