// @ts-check
/**
 * One configured VideoDecoder and the units in it. Lives in the worker; owns both. It hands each
 * picture on with its unit and with the unit's place in the paint queue. Pictures come in the order
 * of the units, so a unit without a picture is abandoned when a later unit has given its picture.
 * After its end, it closes and drops what the decoder still gives.
 *
 * @import { VideoUnit } from "../protocol/binary.js"
 * @import { Place } from "../painting/painter.js"
 *
 * @typedef {{
 *   onpicture: (frame: VideoFrame, unit: VideoUnit, place: Place) => void,
 *   onabandoned: (place: Place) => void,
 *   onerror: (error: Error) => void,
 *   VideoDecoder: typeof VideoDecoder,
 *   EncodedVideoChunk: typeof EncodedVideoChunk,
 * }} DecodingRunHost
 * onpicture: the host closes the frame. onabandoned: no picture comes for this place.
 */

export class DecodingRun {
  /** @type {DecodingRunHost} */
  #host;
  /** @type {VideoDecoder} */
  #decoder;
  /** The units in it, by timestamp. @type {Map<number, { unit: VideoUnit, place: Place }>} */
  #units = new Map();
  /** Whether the run has ended, so that no picture is handed on any more. */
  #hasEnded = false;

  /** @param {VideoDecoderConfig} config @param {DecodingRunHost} host */
  constructor(config, host) {
    this.#host = host;
    this.#decoder = new host.VideoDecoder({
      output: (frame) => this.#output(frame),
      error: (error) => host.onerror(error),
    });
    this.#decoder.configure(config);
  }

  /** Whether it can decode. An error closes a VideoDecoder. */
  get isConfigured() {
    return this.#decoder.state === "configured";
  }

  /** How many units wait to be decoded. */
  get backlog() {
    return this.isConfigured ? this.#decoder.decodeQueueSize : 0;
  }

  /** Whether a picture is still to come. */
  get isBusy() {
    return this.#units.size > 0;
  }

  /**
   * Gives a unit to the decoder. Throws if the decoder refuses it; `end` abandons the unit then.
   *
   * @param {VideoUnit} unit
   * @param {Place} place
   */
  decode(unit, place) {
    this.#units.set(unit.captured_us, { unit, place });
    this.#decoder.decode(
      new this.#host.EncodedVideoChunk({
        type: unit.idr ? "key" : "delta",
        timestamp: unit.captured_us,
        data: unit.payload,
      }),
    );
  }

  /** Makes the decoder give all the pictures that it still holds. No more units are decoded. */
  finish() {
    // The flush rejects if the decoder fails or is closed before, which does not matter any more.
    this.#decoder.flush().catch(() => {});
  }

  /** Closes the decoder, and abandons its units. */
  end() {
    this.#hasEnded = true;
    if (this.#decoder.state !== "closed") this.#decoder.close();
    for (const { place } of this.#units.values()) this.#host.onabandoned(place);
    this.#units.clear();
  }

  /** @param {VideoFrame} frame */
  #output(frame) {
    const expected = this.#units.get(frame.timestamp);
    if (this.#hasEnded || !expected) {
      frame.close();
      return;
    }
    for (const [timestamp, { place }] of this.#units) {
      this.#units.delete(timestamp);
      if (timestamp === frame.timestamp) break;
      this.#host.onabandoned(place);
    }
    this.#host.onpicture(frame, expected.unit, expected.place);
  }
}
