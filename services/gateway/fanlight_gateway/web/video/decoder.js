// @ts-check
/**
 * Access units to pictures: a VideoDecoder behind a gate. Lives in the worker.
 *
 * What it drops: whatever cannot be decoded (see gate.js), and, when the decoder falls behind,
 * everything until the next IDR, which it asks for. Units that come while the support of a codec is
 * being looked up are kept. An error resets the decoder and waits for an IDR; several in a minute,
 * or units for seconds without a picture, are the end of it (`onfailed`). Patches pass the gate like
 * deltas, but not the decoder. Where another codec begins, what is still in the old decoder is shown
 * until the new one's first picture. Whoever is handed a VideoFrame closes it.
 *
 * @import { VideoUnit } from "../protocol/binary.js"
 * @import { Settings } from "../protocol/settings.js"
 * @import { Stretch } from "../measure/sustained.js"
 * @import { Place } from "./painter.js"
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
 * onexpected: a unit goes into the decoder; its place is handed on with its picture, or abandoned.
 *
 * @typedef {{ decoder: VideoDecoder, units: Map<number, { unit: VideoUnit, place: Place }> }} Coding
 * units: those in the decoder, by timestamp.
 */

import { Gate } from "./gate.js";
import { codecString } from "./h264.js";
import { lasted, observe } from "../measure/sustained.js";

/** Errors are counted over this (ms). */
const ERROR_WINDOW_MS = 60_000;
/** Units kept while waiting for the browser's answer about a codec; beyond it, the next IDR. */
const MAX_KEPT_UNITS = 240;
/** Before its first picture a decoder is starting, not falling behind: so many times the limit. */
const STARTING_FACTOR = 15;

export class Decoder {
  /** @type {DecoderHost} */
  #host;
  #gate = new Gate();
  /** @type {Coding | null} */
  #coding = null;
  /** The one before, of another codec, until there is a picture of this one. @type {Coding | null} */
  #former = null;
  /** Units that wait for an answer about a codec; null: none does. @type {VideoUnit[] | null} */
  #kept = null;
  /** @type {Map<string, boolean>} */
  #supported = new Map();
  /** @type {number[]} */
  #errors_ms = [];
  #starting = true;
  /** Pushed aside: at the next IDR what is still in the decoder is thrown away. */
  #behind = false;
  /** Units since the last picture. @type {Stretch} */
  #unshown = null;
  /** Answers about codecs that were asked before a reset do not count. */
  #generation = 0;
  /** The codec string in use. @type {string | null} */
  codec = null;

  /** @param {DecoderHost} host */
  constructor(host) {
    this.#host = host;
  }

  /** Units that wait for their picture. */
  get backlog() {
    const decoder = this.#coding?.decoder;
    return decoder?.state === "configured" ? decoder.decodeQueueSize : 0;
  }

  /** Forget everything: video was off, or the socket is another. */
  reset() {
    this.#generation++;
    this.#gate.reset();
    this.#kept = null;
    this.#unshown = null;
    this.#discard();
  }

  /** Another stream begins, or something of this one was lost: on with the next IDR. */
  expectIdr() {
    this.#gate.close();
  }

  /** What was let through did not come to be painted. */
  lost() {
    this.#gate.close();
    if (this.#gate.shouldAsk(this.#host.now())) this.#host.onneedidr();
  }

  /** Time has passed: an IDR that was asked for may have been lost, and no unit come since. */
  poke() {
    if (this.#gate.hasOpened && this.#gate.shouldAsk(this.#host.now())) this.#host.onneedidr();
  }

  /** @param {VideoUnit} unit */
  push(unit) {
    const now_ms = this.#host.now();
    const { paint_timeout_ms } = this.#host.settings();
    this.#unshown = observe(this.#unshown, true, now_ms, paint_timeout_ms);
    if (this.#gate.admit(unit)) {
      this.#takeOrKeep(unit);
    }
    if (this.#gate.shouldAsk(now_ms)) this.#host.onneedidr();
    if (lasted(this.#unshown, paint_timeout_ms)) {
      this.#unshown = null;
      this.#host.onfailed("units came, but no picture");
    }
  }

  /** @param {VideoUnit} unit */
  #takeOrKeep(unit) {
    const kept = this.#kept;
    if (kept === null) {
      this.#take(unit);
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

  /** @param {VideoUnit} unit  one that the gate let through */
  #take(unit) {
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
      const supported = this.#supported.get(codec);
      if (supported === undefined) {
        void this.#ask(codec, unit);
        return;
      }
      if (!supported) {
        this.#host.onunsupported();
        return;
      }
      if (codec !== this.codec || this.#behind || this.#coding?.decoder.state !== "configured") {
        this.#configure(codec);
      }
    } else if (this.#isBehind()) {
      this.#behind = true;
      this.#gate.close();
      return;
    }
    this.#decode(unit);
  }

  #isBehind() {
    const limit = this.#host.settings().decoder_backlog_units;
    return this.backlog > limit * (this.#starting ? STARTING_FACTOR : 1);
  }

  /** @param {string} codec @param {VideoUnit} unit */
  async #ask(codec, unit) {
    const generation = this.#generation;
    this.#kept = [unit];
    let supported = false;
    try {
      const config = { codec, optimizeForLatency: true };
      supported = (await this.#host.VideoDecoder.isConfigSupported(config)).supported === true;
    } catch {
      // A codec string that the browser cannot even parse is one it does not play.
    }
    this.#supported.set(codec, supported);
    if (generation !== this.#generation) return;
    const kept = this.#kept ?? [];
    this.#kept = null;
    for (const waiting of kept) this.#takeOrKeep(waiting);
  }

  /** @param {string} codec */
  #configure(codec) {
    this.#retire();
    const decoder = new this.#host.VideoDecoder({
      output: (frame) => this.#output(coding, frame),
      error: (error) => {
        if (coding === this.#coding) this.#failed(error);
      },
    });
    /** @type {Coding} */
    const coding = { decoder, units: new Map() };
    this.#coding = coding;
    this.codec = codec;
    // No `description`: the units are Annex B, with SPS and PPS at each IDR.
    decoder.configure({
      codec,
      optimizeForLatency: true,
      // Hardware that failed once is not asked again within the minute.
      hardwareAcceleration: this.#errors_ms.length ? "prefer-software" : "no-preference",
    });
  }

  /** @param {VideoUnit} unit */
  #decode(unit) {
    const { EncodedVideoChunk } = this.#host;
    if (!this.#coding) return;
    const { decoder, units } = this.#coding;
    units.set(unit.captured_us, { unit, place: this.#host.onexpected(unit) });
    try {
      decoder.decode(
        new EncodedVideoChunk({
          type: unit.idr ? "key" : "delta",
          timestamp: unit.captured_us,
          data: unit.payload,
        }),
      );
    } catch (error) {
      this.#failed(/** @type {Error} */ (error));
    }
  }

  /** @param {Coding} from @param {VideoFrame} frame */
  #output(from, frame) {
    const expected = from.units.get(frame.timestamp);
    if ((from !== this.#coding && from !== this.#former) || !expected) {
      frame.close();
      return;
    }
    // Pictures come in the order of the units: older ones that gave none will give none.
    for (const [timestamp, { place }] of from.units) {
      from.units.delete(timestamp);
      if (timestamp === frame.timestamp) break;
      this.#host.onabandoned(place);
    }
    if (from === this.#coding) {
      this.#starting = false;
      this.#former = this.#end(this.#former);
    }
    this.#host.onpicture(frame, expected.unit, expected.place);
    this.#unshown = null;
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
    } else if (this.#gate.shouldAsk(now_ms)) {
      this.#host.onneedidr();
    }
  }

  /** Another decoder is going to take over. */
  #retire() {
    const coding = this.#coding;
    const isOfUse = !this.#behind && coding?.decoder.state === "configured" && coding.units.size;
    if (isOfUse) {
      this.#end(this.#former);
      this.#coding = null;
    }
    this.#discard();
    if (!isOfUse) return;
    this.#former = coding;
    // What it holds back comes out; if it fails, or is closed before, that is no matter any more.
    coding.decoder.flush().catch(() => {});
  }

  #discard() {
    this.#starting = true;
    this.#behind = false;
    this.#coding = this.#end(this.#coding);
    this.#former = this.#end(this.#former);
  }

  /** @param {Coding | null} coding @returns {null} */
  #end(coding) {
    if (!coding) return null;
    if (coding.decoder.state !== "closed") coding.decoder.close();
    for (const { place } of coding.units.values()) this.#host.onabandoned(place);
    coding.units.clear();
    return null;
  }
}
