// @ts-check
/**
 * Decodes access units: a gate (gate.js), and behind it a VideoDecoder (decoding-run.js: the run).
 * Lives in the worker; owns both. While the gate is closed, it drops every unit and asks for an IDR
 * (`onneedidr`).
 *
 *   state     | event                                     | next     | effects
 *   ----------+-------------------------------------------+----------+---------------------------
 *   idle      | 1 an IDR                                  | starting | a run begins
 *   starting  | 2 the first picture                       | running  | the former run ends
 *   starting, | 3 an IDR of another codec                 | starting | another begins; this is the
 *   running   |                                           |          | former run
 *   starting, | 4 a delta, while more than                | behind   | the gate closes
 *   running   |   `MAX_BACKLOG_UNITS` units wait          |          |
 *   behind    | 5 an IDR                                  | starting | the run ends, another begins
 *   starting, | 6 an error                                | idle     | the run ends, gate closes
 *   running,  |                                           |          |
 *   behind    |                                           |          |
 *   any       | 7 `reset`                                 | idle     | the run ends, gate closes
 *
 * 1, 3, 5: the browser is asked first whether it plays the codec. Units are kept until it answers.
 * 3: pictures of the former run are shown until the new run has a picture. 4: in a run that is
 * starting, `STARTING_FACTOR` times as many may wait. 6: `ERROR_LIMIT` errors in a minute call
 * `onfailed`; so do units that come for `PAINT_TIMEOUT_MS` without a picture. Patches pass the gate
 * like deltas, and do not go into the run. Whoever gets a VideoFrame closes it. A test holds this
 * table against the code.
 *
 * @import { VideoUnit } from "../protocol/binary.js"
 * @import { Stretch } from "../measure/sustained.js"
 * @import { Place } from "../painting/painter.js"
 *
 * @typedef {{
 *   now: () => number,
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
 * onneedidr: an IDR has to be asked for. onunsupported: the browser does not play the codec.
 */

import { lasted, observe } from "../measure/sustained.js";
import { CodecSupport } from "./decoder-support.js";
import { DecodingRun } from "./decoding-run.js";
import { Gate } from "./gate.js";
import { codecString } from "./h264.js";

/** If more units than this wait in the run, units are dropped until the next IDR. */
const MAX_BACKLOG_UNITS = 4;
/** If units come for this long without a picture, `onfailed` is called (ms). */
const PAINT_TIMEOUT_MS = 5000;
/** So many errors within ERROR_WINDOW_MS call `onfailed`. One error may be a lost unit. */
const ERROR_LIMIT = 3;
/** Errors are counted over this time (ms). */
const ERROR_WINDOW_MS = 60_000;
/** If more units than this are kept, units are dropped until the next IDR. */
const MAX_KEPT_UNITS = 240;
/** A run that has given no picture yet may have this many times the backlog. */
const STARTING_FACTOR = 15;

export class Decoder {
  /** @type {DecoderHost} */
  #host;
  #gate = new Gate();
  /** @type {DecodingRun | null} */
  #run = null;
  /** The run of before, until the new one has given a picture. @type {DecodingRun | null} */
  #formerRun = null;
  /**
   * Units that wait for the browser's answer about a codec; null if no answer is awaited.
   *
   * @type {VideoUnit[] | null}
   */
  #kept = null;
  /** @type {CodecSupport} */
  #support;
  /** When the last errors were (ms). @type {number[]} */
  #errors_ms = [];
  /** For how long units have come without a picture. @type {Stretch} */
  #unshown = null;
  /** How often `reset` was called. The browser's answer to an earlier question does not count. */
  #generation = 0;
  /** @type {"idle" | "starting" | "running" | "behind"} */
  state = "idle";
  /** The codec string in use. @type {string | null} */
  codec = null;

  /** @param {DecoderHost} host */
  constructor(host) {
    this.#host = host;
    this.#support = new CodecSupport(host.VideoDecoder);
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

  /** Another rendition begins, with an IDR: drops everything until it comes. */
  expectIdr() {
    this.#gate.close();
  }

  /** A picture or patch was not painted: drops everything until the next IDR, and asks for it. */
  lost() {
    this.#gate.close();
    this.#askForIdr();
  }

  /** Asks again for an IDR if it is overdue, because no unit may come that shows it was lost. */
  tick() {
    if (this.#gate.hasOpened) this.#askForIdr();
  }

  /** Takes a unit of the gateway. @param {VideoUnit} unit */
  push(unit) {
    const now_ms = this.#host.now();
    this.#unshown = observe(this.#unshown, true, now_ms, PAINT_TIMEOUT_MS);
    if (this.#gate.admit(unit)) this.#decodeOrKeep(unit);
    this.#askForIdr();
    if (lasted(this.#unshown, PAINT_TIMEOUT_MS)) {
      this.#unshown = null;
      this.#host.onfailed("units came, but no picture");
    }
  }

  #askForIdr() {
    if (this.#gate.shouldAsk(this.#host.now())) this.#host.onneedidr();
  }

  /** Keeps the unit while an answer of the browser is awaited. @param {VideoUnit} unit */
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
      const isSupported = this.#support.answer(codec);
      if (isSupported === undefined) {
        void this.#ask(codec, unit);
        return;
      }
      if (!isSupported) {
        this.#host.onunsupported();
        return;
      }
      if (codec !== this.codec || this.state === "behind" || !this.#run?.isConfigured) {
        this.#configure(codec);
      }
    } else if (this.#fallsBehind()) {
      this.state = "behind";
      this.#gate.close();
      return;
    }
    this.#decode(unit);
  }

  #fallsBehind() {
    const factor = this.state === "starting" ? STARTING_FACTOR : 1;
    return this.backlog > MAX_BACKLOG_UNITS * factor;
  }

  /**
   * Asks the browser whether it plays a codec. Keeps this unit and later ones until it answers.
   *
   * @param {string} codec @param {VideoUnit} unit
   */
  async #ask(codec, unit) {
    const generation = this.#generation;
    this.#kept = [unit];
    await this.#support.ask(codec);
    if (generation !== this.#generation) return;
    const kept = this.#kept ?? [];
    this.#kept = null;
    for (const waiting of kept) this.#decodeOrKeep(waiting);
  }

  /** Begins a run. @param {string} codec */
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
          if (this.state === "starting") this.state = "running";
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
    this.state = "starting";
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

  /** Ends the run, and asks for an IDR or gives up. @param {Error} error */
  #failed(error) {
    const now_ms = this.#host.now();
    this.#discard();
    this.#gate.close();
    this.#errors_ms = this.#errors_ms.filter((at_ms) => at_ms > now_ms - ERROR_WINDOW_MS);
    this.#errors_ms.push(now_ms);
    if (this.#errors_ms.length >= ERROR_LIMIT) {
      this.#errors_ms = [];
      this.#host.onfailed(error.message);
    } else {
      this.#askForIdr();
    }
  }

  /** Ends the run for another one. If its pictures are still to come, it becomes the former run. */
  #retireRun() {
    const run = this.#run;
    if (this.state === "behind" || !run?.isConfigured || !run.isBusy) {
      this.#discard();
      return;
    }
    end(this.#formerRun);
    this.#formerRun = run;
    this.#run = null;
    this.state = "idle";
    run.finish();
  }

  #discard() {
    this.state = "idle";
    this.#run = end(this.#run);
    this.#formerRun = end(this.#formerRun);
  }
}

/** @param {DecodingRun | null} run @returns {null} */
function end(run) {
  run?.end();
  return null;
}
