// @ts-check
/**
 * Turns the gateway's units and the screenshot service's answers into pictures on the canvas. Lives
 * in the worker; owns the decoder, the screenshot fetcher and the painter, and what acknowledges
 * and counts the painted pictures. It decides nothing: session.js says what is wanted.
 *
 * It drops a picture that is not wanted any more when it is ready. When pictures were lost, it
 * makes the decoder and the fetcher begin again with a full one.
 *
 * @import { Report } from "./worker.js"
 * @import { Fallback, FallbackEvent } from "./fallback.js"
 * @import { GatewayState } from "./gateway-state.js"
 * @import { Clock } from "../measure/clock.js"
 * @import { VideoUnit } from "../protocol/binary.js"
 * @import { Connection } from "../transport/connection.js"
 *
 * @typedef {{
 *   now: () => number,
 *   screenshotUrl: URL,
 *   viewer: string,
 *   bringsScreenshot: boolean,
 *   gateway: GatewayState,
 *   clock: Clock,
 *   connection: Connection,
 *   fallback: () => Fallback,
 *   event: (event: FallbackEvent) => void,
 *   draw: (report: Extract<Report, { type: "draw" }>, transfer: Transferable[]) => void,
 *   onpainted: (isFirst: boolean) => void,
 * }} PicturesHost
 *
 * bringsScreenshot: whether the page brings the first screenshot. event: gives an event to the
 * fallback machine. draw: sends drawings to the page. onpainted: a picture is on the canvas now.
 */

import { PictureStatistics } from "../measure/picture-statistics.js";
import { CloseCode } from "../protocol/constants.js";
import { decodePatch } from "../protocol/patch.js";
import { ScreenshotFetcher } from "../screenshots/fetcher.js";
import { Acknowledger } from "../video/acknowledger.js";
import { missingDecoder } from "../video/decoder-support.js";
import { Decoder } from "../video/decoder.js";
import { decodeImage } from "../painting/image-decoder.js";
import { Painter } from "../painting/painter.js";
import { wantsScreenshots, wantsVideo } from "./fallback.js";
import { FirstPicture } from "./first-picture.js";

export class Pictures {
  /** @type {PicturesHost} */
  #host;
  /** @type {Acknowledger} */
  #acknowledger;
  #isStopped = false;
  /** @type {PictureStatistics} */
  statistics;
  /** @type {Painter} */
  painter;
  /** @type {ScreenshotFetcher} */
  fetcher;
  /** @type {FirstPicture} */
  firstPicture;
  /** Null: this browser has no decoder, or it is not known yet. @type {Decoder | null} */
  decoder = null;

  /** @param {PicturesHost} host */
  constructor(host) {
    this.#host = host;
    this.#acknowledger = new Acknowledger(host.now, (ack) => host.connection.send(ack));
    this.statistics = new PictureStatistics(host.clock);
    this.painter = new Painter({
      now: host.now,
      decodeImage,
      send: (drawings, transfer) => host.draw({ type: "draw", drawings }, transfer),
      onlost: () => {
        this.decoder?.lost();
        this.fetcher.lost();
      },
    });
    this.fetcher = this.#makeFetcher();
    this.firstPicture = this.#makeFirstPicture();
  }

  /**
   * Shows a first picture, finds out whether this browser can decode video, and fetches screenshots
   * if they are wanted.
   *
   * @returns {Promise<boolean>} false if `stop` was called meanwhile
   */
  async start() {
    if (wantsVideo(this.#host.fallback())) void this.firstPicture.paint();
    const missing = await missingDecoder();
    if (this.#isStopped) return false;
    if (missing) this.#host.event({ type: "decoder-missing", reason: missing });
    else this.decoder = this.#makeDecoder();
    this.#startFetching();
    return true;
  }

  /** Ends everything. It cannot be started again. */
  stop() {
    this.#isStopped = true;
    this.firstPicture.stop();
    this.#acknowledger.stop();
    this.fetcher.stop();
    this.decoder?.reset();
    this.painter.clear();
  }

  /** Video was turned on or off: drops the units that wait to be decoded. */
  videoChanged() {
    this.decoder?.reset();
    this.statistics.expectNone();
  }

  /** A connection has opened, over which another stream of units comes: begins anew. */
  connected() {
    this.videoChanged();
    this.#acknowledger.connected();
  }

  /**
   * Fetches screenshots if they are wanted. Called when the fallback machine knows of the
   * connection.
   *
   * @param {boolean} wasAway  whether the network was away: requests in flight are given up then,
   *   because they may never be answered
   */
  resume(wasAway) {
    this.#startFetching();
    if (wasAway) this.fetcher.reconnected();
  }

  /** Another rendition begins, with an IDR: drops the units until then. */
  renditionChanged() {
    this.#acknowledger.beginStream();
    this.decoder?.expectIdr();
  }

  /** Takes a unit of the gateway. @param {VideoUnit} unit @param {number} bytes  of its message */
  receive(unit, bytes) {
    this.statistics.unit(unit, bytes, this.#host.now());
    this.#acknowledger.received(unit);
    if (wantsVideo(this.#host.fallback())) this.decoder?.push(unit);
    else this.statistics.expectNone(); // The unit was on its way when video was turned off.
  }

  /** Looks for what is overdue: an IDR, or a picture that is newer than the one on the canvas. */
  tick() {
    this.decoder?.tick();
    const age_ms = this.statistics.overdueAge(this.#host.now());
    if (age_ms !== null) this.#host.event({ type: "age", age_ms });
  }

  #startFetching() {
    if (wantsScreenshots(this.#host.fallback())) this.fetcher.start();
  }

  #makeDecoder() {
    return new Decoder({
      now: this.#host.now,
      VideoDecoder,
      EncodedVideoChunk,
      onexpected: ({ areas }) => this.painter.expect(areas),
      onabandoned: (place) => this.painter.abandon(place),
      onpicture: (frame, unit, place) => {
        const size = this.#host.gateway.canvasSizeFor(unit);
        this.painter.paintFrame(place, frame, unit, size, this.#unitListener(unit));
      },
      onpatch: (unit) => void this.#paintPatch(unit),
      onneedidr: () => this.#host.connection.sendControl({ type: "RequestIdr" }),
      onunsupported: () => this.#host.event({ type: "decoder-missing", reason: "unsupported" }),
      onfailed: (why) => {
        console.error(`fanlight: video could not be shown: ${why}`);
        this.#host.event({ type: "decoder-failed" });
      },
    });
  }

  #makeFetcher() {
    const { now, screenshotUrl: url, viewer, gateway, clock, connection } = this.#host;
    return new ScreenshotFetcher({
      url,
      now,
      viewer,
      settings: () => gateway.settings,
      base_rtt_ms: () => clock.base_rtt_ms ?? 0,
      onpatch: ({ operations, size, bytes, captured_us, stale }) => {
        this.statistics.screenshot(bytes, stale, now());
        const desk = size ?? gateway.deskSize;
        if (!desk) return Promise.reject(new Error("a patch for a desk of unknown size"));
        return this.painter.paintPatch(operations, desk, this.#screenshotListener(captured_us));
      },
      onpicture: ({ bitmap, bytes, captured_us, stale }) => {
        this.statistics.screenshot(bytes, stale, now());
        const size = { width: bitmap.width, height: bitmap.height };
        const listener = this.#screenshotListener(captured_us);
        this.painter.paintPicture(bitmap, size, gateway.deskSize ?? size, listener);
      },
      onunchanged: (captured_us, stale) => this.statistics.unchanged(captured_us, stale, now()),
      onrefused: (status) => {
        connection.close(status === 401 ? CloseCode.UNAUTHORIZED : CloseCode.FORBIDDEN);
      },
    });
  }

  #makeFirstPicture() {
    const { now, screenshotUrl: url, bringsScreenshot, gateway } = this.#host;
    return new FirstPicture({
      url,
      isBrought: bringsScreenshot,
      painter: this.painter,
      statistics: this.statistics,
      now,
      deskSize: () => gateway.deskSize,
      onpainted: (captured_us, at_ms) => this.#paintedScreenshot(captured_us, at_ms),
    });
  }

  /** @param {VideoUnit} unit */
  async #paintPatch(unit) {
    try {
      await this.painter.paintPatch(decodePatch(unit.payload), unit, this.#unitListener(unit));
    } catch (error) {
      // The bytes are no patch, or an image in it is none: a full picture has to come.
      console.error(`fanlight: ${/** @type {Error} */ (error).message}`);
      this.decoder?.lost();
    }
  }

  /** @param {VideoUnit} unit */
  #unitListener(unit) {
    const { stream } = this.#acknowledger;
    return {
      isWanted: () => wantsVideo(this.#host.fallback()),
      onpainted: (/** @type {number} */ at_ms) => {
        this.#painted(() => this.statistics.paintedUnit(unit, at_ms));
        const { age_ms } = this.statistics;
        this.#acknowledger.painted(unit, stream, age_ms);
        if (age_ms !== null) this.#host.event({ type: "age", age_ms });
      },
    };
  }

  /** @param {number | null} captured_us */
  #screenshotListener(captured_us) {
    return {
      isWanted: () => wantsScreenshots(this.#host.fallback()),
      onpainted: (/** @type {number} */ at_ms) => this.#paintedScreenshot(captured_us, at_ms),
    };
  }

  /** @param {number | null} captured_us @param {number} at_ms */
  #paintedScreenshot(captured_us, at_ms) {
    this.#painted(() => this.statistics.painted(captured_us, at_ms));
  }

  /** @param {() => void} count  puts the picture into the statistics */
  #painted(count) {
    const isFirst = !this.statistics.hasPainted;
    count();
    this.#host.onpainted(isFirst);
  }
}
