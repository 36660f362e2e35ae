// @ts-check
/**
 * Access units to pictures: a VideoDecoder behind a gate. Lives in the worker.
 *
 * What it drops: whatever cannot be decoded (see gate.js), and, when the decoder falls behind,
 * everything until the next IDR, which it asks for. Units that come while the support of a codec is
 * being looked up are kept. An error resets the decoder and waits for an IDR; several in a minute,
 * or units for seconds without a picture, are the end of it (`onfailed`). Whoever is handed a
 * VideoFrame closes it.
 *
 * @import { VideoUnit } from "./protocol.js"
 * @import { Settings } from "./settings.js"
 * @import { Stretch } from "./sustained.js"
 *
 * @typedef {{
 *   now: () => number,
 *   settings: () => Readonly<Settings>,
 *   onpicture: (frame: VideoFrame, unit: VideoUnit) => void,
 *   onneedidr: () => void,
 *   onunsupported: () => void,
 *   onfailed: (why: string) => void,
 *   VideoDecoder: typeof VideoDecoder,
 *   EncodedVideoChunk: typeof EncodedVideoChunk,
 * }} DecoderHost
 */

import { Gate } from "./gate.js";
import { codecString } from "./h264.js";
import { lasted, observe } from "./sustained.js";

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
  /** @type {VideoDecoder | null} */
  #decoder = null;
  /** Units in the decoder, by timestamp. @type {Map<number, VideoUnit>} */
  #units = new Map();
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
    return this.#decoder?.state === "configured" ? this.#decoder.decodeQueueSize : 0;
  }

  /** Forget everything: video was off, or the socket is another. */
  reset() {
    this.#generation++;
    this.#gate.reset();
    this.#kept = null;
    this.#unshown = null;
    this.#discard();
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
      if (codec !== this.codec || this.#behind || this.#decoder?.state !== "configured") {
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
    this.#discard();
    const decoder = new this.#host.VideoDecoder({
      output: (frame) => this.#output(decoder, frame),
      error: (error) => {
        if (decoder === this.#decoder) this.#failed(error);
      },
    });
    this.#decoder = decoder;
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
    if (!this.#decoder) return;
    this.#units.set(unit.captured_us, unit);
    try {
      this.#decoder.decode(
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

  /** @param {VideoDecoder} from @param {VideoFrame} frame */
  #output(from, frame) {
    const unit = this.#units.get(frame.timestamp);
    if (from !== this.#decoder || !unit) {
      frame.close();
      return;
    }
    // Pictures come in the order of the units: older ones that gave none will give none.
    for (const timestamp of this.#units.keys()) {
      this.#units.delete(timestamp);
      if (timestamp === frame.timestamp) break;
    }
    this.#starting = false;
    this.#host.onpicture(frame, unit);
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

  #discard() {
    this.#units.clear();
    this.#starting = true;
    this.#behind = false;
    if (this.#decoder && this.#decoder.state !== "closed") this.#decoder.close();
    this.#decoder = null;
  }
}
