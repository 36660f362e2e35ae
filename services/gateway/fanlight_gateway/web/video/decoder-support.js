// @ts-check
/**
 * Asks the browser what it plays: H.264 at all, before any video is sent; and each codec string
 * that a unit names. Lives in the worker.
 */

/** Constrained Baseline, level 3.1, which every H.264 decoder plays. */
const PLAIN_CODEC = "avc1.42E01F";

/**
 * Finds out why this browser cannot play H.264.
 *
 * @returns {Promise<"insecure" | "unsupported" | null>} null if it can
 */
export async function missingDecoder() {
  // Browsers offer VideoDecoder to secure pages only.
  if (typeof VideoDecoder === "undefined") return isSecureContext ? "unsupported" : "insecure";
  const { supported } = await VideoDecoder.isConfigSupported({ codec: PLAIN_CODEC });
  return supported ? null : "unsupported";
}

/** What the browser has answered, so that it is asked once about each codec string. */
export class CodecSupport {
  /** @type {typeof VideoDecoder} */
  #decoderClass;
  /** @type {Map<string, boolean>} */
  #answers = new Map();

  /** @param {typeof VideoDecoder} decoderClass */
  constructor(decoderClass) {
    this.#decoderClass = decoderClass;
  }

  /** Returns whether the browser plays a codec; undefined: no answer yet. @param {string} codec */
  answer(codec) {
    return this.#answers.get(codec);
  }

  /** Asks the browser whether it plays a codec, and keeps the answer. @param {string} codec */
  async ask(codec) {
    let isSupported = false;
    try {
      const config = { codec, optimizeForLatency: true };
      isSupported = (await this.#decoderClass.isConfigSupported(config)).supported === true;
    } catch {
      // A browser that cannot parse the codec string does not play the codec.
    }
    this.#answers.set(codec, isSupported);
  }
}
