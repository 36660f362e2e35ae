// @ts-check
/**
 * Decodes access units: a VideoDecoder behind a gate. Lives in the worker.
 *
 * 1. gate.js drops the units that cannot be decoded, and this asks for an IDR (`onneedidr`).
 * 2. When the decoder falls behind, everything until the next IDR is dropped, and an IDR is asked
 *    for.
 * 3. While the browser is asked whether it supports a codec, units are kept.
 * 4. An error discards the decoder, and an IDR is asked for. `decoder_error_limit` errors in a
 *    minute, or units for `paint_timeout_ms` without a picture, call `onfailed`.
 * 5. Patches pass the gate like deltas, but not the decoder.
 * 6. When another codec begins, the pictures that are still in the old decoder are shown until the
 *    new one gives its first picture.
 *
 * Who gets a VideoFrame closes it.
 *
 * @import { VideoUnit } from "../protocol/binary.js"
 * @import { Settings } from "../protocol/settings.js"
 * @import { Stretch } from "../measure/sustained.js"
 * @import { Place } from "../painting/painter.js"
 *
 * @typedef {{
 *   now: () => number,
 *   settings: () => Readonly<Settings>,
 *   onexpected: (unit: VideoUnit) => Place,
 *   onabandoned: (place: Place) => void,
 *   onpicture: (frame: VideoFrame, unit: VideoUnit, place: Place) => void,
 *   onpatch: (unit: VideoUnit) => void,
 *   onneedidr: () => void,
 *   onunsupported: () => void,
 *   onfailed: (why: string) => void,
 *   VideoDecoder: typeof VideoDecoder,
 *   EncodedVideoChunk: typeof EncodedVideoChunk,
 * }} DecoderHost
 *
 * onexpected: a unit goes into the decoder; its place comes back with onpicture or onabandoned.
 */

import { lasted, observe } from "../measure/sustained.js";
import { DecodingRun } from "./decoding-run.js";
import { Gate } from "./gate.js";
import { codecString } from "./h264.js";

/** Errors are counted over this time (ms). */
const ERROR_WINDOW_MS = 60_000;
/** With more units than this kept, they are dropped until the next IDR. */
const MAX_KEPT_UNITS = 240;
/** A decoder that has given no picture yet may have so many times the backlog: it is starting. */
const STARTING_FACTOR = 15;

export class Decoder {
  /** @type {DecoderHost} */
  #host;
  #gate = new Gate();
  /** @type {DecodingRun | null} */
  #run = null;
  /** The run before, until this one has given a picture. @type {DecodingRun | null} */
  #formerRun = null;
  /**
   * Units that wait for the browser's answer about a codec; null: none is asked.
   *
   * @type {VideoUnit[] | null}
   */
  #kept = null;
  /** @type {Map<string, boolean>} */
  #supported = new Map();
  /** @type {number[]} */
  #errors_ms = [];
  /** The run has given no picture yet. */
  #isStarting = true;
  /** The run fell behind: it is discarded at the next IDR. */
  #isBehind = false;
  /** Since when units come without a picture. @type {Stretch} */
  #unshown = null;
  /** Grows with each reset: the answer to a question that was asked before it does not count. */
  #generation = 0;
  /** The codec string in use. @type {string | null} */
  codec = null;

  /** @param {DecoderHost} host */
  constructor(host) {
    this.#host = host;
  }

  /** How many units wait to be decoded. */
  get backlog() {
    return this.#run?.backlog ?? 0;
  }

  /** Begins anew, because video was off or the connection is another one. Drops every unit. */
  reset() {
    this.#generation++;
    this.#gate.reset();
    this.#kept = null;
    this.#unshown = null;
    this.#discard();
  }

  /**
   * Drops everything until the next IDR, which comes by itself because another rendition begins.
   */
  expectIdr() {
    this.#gate.close();
  }

  /** A picture or patch was not painted: drops everything until the next IDR, and asks for it. */
  lost() {
    this.#gate.close();
    this.#askForIdr();
  }

  /** Time has passed. An IDR that was asked for may have been lost without a unit after it. */
  tick() {
    if (this.#gate.hasOpened) this.#askForIdr();
  }

  /** @param {VideoUnit} unit */
  push(unit) {
    const now_ms = this.#host.now();
    const { paint_timeout_ms } = this.#host.settings();
    this.#unshown = observe(this.#unshown, true, now_ms, paint_timeout_ms);
    if (this.#gate.admit(unit)) this.#decodeOrKeep(unit);
    this.#askForIdr();
    if (lasted(this.#unshown, paint_timeout_ms)) {
      this.#unshown = null;
      this.#host.onfailed("units came, but no picture");
    }
  }

  #askForIdr() {
    if (this.#gate.shouldAsk(this.#host.now())) this.#host.onneedidr();
  }

  /** @param {VideoUnit} unit */
  #decodeOrKeep(unit) {
    const kept = this.#kept;
    if (kept === null) {
      this.#decodeOrAsk(unit);
      return;
    }
    if (unit.idr) kept.length = 0;
    if (kept.length >= MAX_KEPT_UNITS) {
      kept.length = 0;
      this.#gate.close();
    } else {
      kept.push(unit);
    }
  }

  /** @param {VideoUnit} unit  that the gate let through */
  #decodeOrAsk(unit) {
    if (unit.patch) {
      this.#unshown = null;
      this.#host.onpatch(unit);
      return;
    }
    if (unit.idr) {
      const codec = codecString(unit.payload) ?? this.codec;
      if (codec === null) {
        this.#failed(new Error("an IDR without an SPS"));
        return;
      }
      const isSupported = this.#supported.get(codec);
      if (isSupported === undefined) {
        void this.#ask(codec, unit);
        return;
      }
      if (!isSupported) {
        this.#host.onunsupported();
        return;
      }
      if (codec !== this.codec || this.#isBehind || !this.#run?.isConfigured) {
        this.#configure(codec);
      }
    } else if (this.#fallsBehind()) {
      this.#isBehind = true;
      this.#gate.close();
      return;
    }
    this.#decode(unit);
  }

  #fallsBehind() {
    const limit = this.#host.settings().decoder_backlog_units;
    return this.backlog > limit * (this.#isStarting ? STARTING_FACTOR : 1);
  }

  /** Asks the browser whether it plays a codec. @param {string} codec @param {VideoUnit} unit */
  async #ask(codec, unit) {
    const generation = this.#generation;
    this.#kept = [unit];
    let isSupported = false;
    try {
      const config = { codec, optimizeForLatency: true };
      isSupported = (await this.#host.VideoDecoder.isConfigSupported(config)).supported === true;
    } catch {
      // A browser that cannot parse the codec string does not play the codec.
    }
    this.#supported.set(codec, isSupported);
    if (generation !== this.#generation) return;
    const kept = this.#kept ?? [];
    this.#kept = null;
    for (const waiting of kept) this.#decodeOrKeep(waiting);
  }

  /** @param {string} codec */
  #configure(codec) {
    this.#retireRun();
    const { VideoDecoder, EncodedVideoChunk } = this.#host;
    // No `description`, because the units are Annex B, with SPS and PPS at each IDR.
    const config = /** @type {VideoDecoderConfig} */ ({
      codec,
      optimizeForLatency: true,
      // Hardware that failed is not used again within the minute.
      hardwareAcceleration: this.#errors_ms.length ? "prefer-software" : "no-preference",
    });
    const run = new DecodingRun(config, {
      VideoDecoder,
      EncodedVideoChunk,
      onpicture: (frame, unit, place) => {
        if (run === this.#run) {
          this.#isStarting = false;
          this.#formerRun = end(this.#formerRun);
        }
        this.#host.onpicture(frame, unit, place);
        this.#unshown = null;
      },
      onabandoned: (place) => this.#host.onabandoned(place),
      onerror: (error) => {
        if (run === this.#run) this.#failed(error);
      },
    });
    this.#run = run;
    this.codec = codec;
  }

  /** @param {VideoUnit} unit */
  #decode(unit) {
    if (!this.#run) return;
    const place = this.#host.onexpected(unit);
    try {
      this.#run.decode(unit, place);
    } catch (error) {
      this.#failed(/** @type {Error} */ (error));
    }
  }

  /** @param {Error} error */
  #failed(error) {
    const now_ms = this.#host.now();
    this.#discard();
    this.#gate.close();
    this.#errors_ms = this.#errors_ms.filter((at_ms) => at_ms > now_ms - ERROR_WINDOW_MS);
    this.#errors_ms.push(now_ms);
    if (this.#errors_ms.length >= this.#host.settings().decoder_error_limit) {
      this.#errors_ms = [];
      this.#host.onfailed(error.message);
    } else {
      this.#askForIdr();
    }
  }

  /**
   * Another run is going to take over: this one becomes the former one, if it has pictures left.
   */
  #retireRun() {
    const run = this.#run;
    if (this.#isBehind || !run?.isConfigured || !run.isBusy) {
      this.#discard();
      return;
    }
    end(this.#formerRun);
    this.#formerRun = run;
    this.#run = null;
    this.#isStarting = true;
    run.finish();
  }

  #discard() {
    this.#isStarting = true;
    this.#isBehind = false;
    this.#run = end(this.#run);
    this.#formerRun = end(this.#formerRun);
  }
}

/** @param {DecodingRun | null} run @returns {null} */
function end(run) {
  run?.end();
  return null;
}
