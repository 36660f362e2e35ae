// @ts-check
/**
 * One viewer's session with one desk: it wires the parts together. Lives in the worker.
 *
 * Decisions are elsewhere: fallback.js (video or stills), polling.js (when and how to fetch),
 * reconnect.js, gate.js. What happens here is that events reach them and their effects happen.
 *
 * @import { Command, Report } from "./worker.js"
 * @import { Fallback, FallbackEvent } from "./fallback.js"
 * @import { InputMessage, VideoUnit } from "../protocol/binary.js"
 * @import { ViewerControl } from "../protocol/control.js"
 * @import { Settings } from "../protocol/settings.js"
 * @import { Still } from "../screenshots/first-screenshot.js"
 * @import { Place } from "../video/painter.js"
 * @import { Drawn, Size } from "../element/canvas.js"
 *
 * @typedef {{
 *   mode: string, state: string, connection: string, transport: string, rtt_ms: number | null,
 *   base_rtt_ms: number | null, age_ms: number | null, painted: number, fps: number,
 *   bitrate_kbps: number, decoder: string, codec: string | null, rendition: string | null,
 *   width: number, height: number,
 *   epoch: number, received: number, video_bytes: number, still_bytes: number, backlog: number,
 *   quality: number | null, scale: number | null, stale: boolean,
 * }} Stats
 *
 * received: the newest sequence. video_bytes, still_bytes, painted: since the session began.
 */

import { Acks } from "../video/acknowledgements.js";
import { Clock } from "../measure/clock.js";
import { decodeControl } from "../protocol/control.js";
import { Decoder } from "../video/decoder.js";
import { fallReason, initialFallback, stepFallback, wantsStills, wantsVideo } from "./fallback.js";
import { firstStill } from "../screenshots/first-screenshot.js";
import { Figures } from "../measure/picture-statistics.js";
import { decodeImage } from "../video/image-decoder.js";
import { Connection } from "../transport/connection.js";
import { Painter } from "../video/painter.js";
import { decodePatch } from "../protocol/patch.js";
import { CloseCode, decodeFromGateway, PROTOCOL_VERSION, ProtocolError } from "../protocol/binary.js";
import { Sender } from "../transport/sender.js";
import { withDefaults } from "../protocol/settings.js";
import { Stills } from "../screenshots/fetcher.js";
import { missingDecoder } from "../video/decoder-support.js";

const REPORT_INTERVAL_MS = 500;
/** Renditions of fewer pixels than the desk has. */
const SCALED = ["half", "low"];

const now = () => performance.now();

export class Session {
  /** @type {(report: Report, transfer?: Transferable[]) => void} */
  #report;
  /** @type {Extract<Command, { type: "start" }>} */
  #start;
  /** @type {Readonly<Settings>} */
  #settings = withDefaults();
  /** @type {Fallback} */
  #fallback;
  #clock = new Clock();
  #figures = new Figures(this.#clock);
  #acks = new Acks();
  /** @type {Painter} */
  #painter;
  /** @type {Connection} */
  #connection;
  /** @type {Sender} */
  #sender;
  /** @type {Stills} */
  #stills;
  /** @type {Decoder | null} */
  #decoder = null;
  #isStopped = false;
  #firstStill = new AbortController();
  /** @type {(still: Still | null) => void} */
  #stillBrought = () => {};
  /** @type {URL} */
  #screenshot;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #ackTimer;
  #ackAt_ms = Infinity;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #pingTimer;
  /** Since when pings go out without a pause (ms). @type {number | null} */
  #pingedSince_ms = null;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #reportTimer;

  // What the gateway told.
  /** @type {string | null} */
  #role = null;
  /** @type {string | null} */
  #deskState = null;
  /** @type {{ width: number, height: number } | null} */
  #deskSize = null;
  /** @type {string | null} */
  #videoState = null;
  /** Of the video that comes. @type {string | null} */
  #rendition = null;
  /** Grows where another stream of units begins: epochs of two of them do not compare. */
  #stream = 0;
  #isOutdated = false;
  /** The network was away since a way was open: nothing that was asked before has to come. */
  #wasAway = false;
  /** Why video was left, while the gateway does not know yet. @type {string | null} */
  #fell = null;
  /** What the page was told last. */
  #reportedSize = "";

  /**
   * @param {Extract<Command, { type: "start" }>} start
   * @param {(report: Report, transfer?: Transferable[]) => void} report
   */
  constructor(start, report) {
    this.#start = start;
    this.#report = report;
    this.#fallback = initialFallback(start.mode, start.visible);
    this.#painter = new Painter({
      now,
      decodeImage,
      send: (orders, transfer) => this.#report({ type: "draw", orders }, transfer),
      onlost: () => {
        this.#decoder?.lost();
        this.#stills.lost();
      },
    });
    const desk = `api/desks/${encodeURIComponent(start.desk)}/`;
    this.#connection = this.#makeConnection(new URL(desk, start.base));
    this.#sender = new Sender(this.#connection, () => this.#clock.isCongested(now()));
    this.#screenshot = new URL(`${desk}screenshot`, start.base);
    this.#stills = this.#makeStills(this.#screenshot);
  }

  async start() {
    void this.#paintFirst();
    const missing = await missingDecoder();
    if (this.#isStopped) return;
    if (missing) this.event({ type: "decoder-missing", reason: missing });
    else this.#decoder = this.#makeDecoder();
    if (wantsStills(this.#fallback)) this.#stills.start();
    this.#connection.connect();
    this.#reportTimer = setInterval(() => this.#reportStats(), REPORT_INTERVAL_MS);
  }

  stop() {
    this.#isStopped = true;
    this.#firstStill.abort();
    clearInterval(this.#reportTimer);
    clearTimeout(this.#pingTimer);
    clearTimeout(this.#ackTimer);
    this.#sender.reset();
    this.#stills.stop();
    this.#decoder?.reset();
    this.#painter.clear();
    this.#connection.close();
  }

  /** What the page had asked for; null: it did not come. @param {Still | null} still */
  bringStill(still) {
    this.#stillBrought(still);
  }

  /** @param {InputMessage[]} messages */
  input(messages) {
    this.#sender.input(messages);
    if (messages.some(isRepetition)) this.#probe();
    this.#stills.poke();
  }

  /** @param {ViewerControl} message */
  control(message) {
    this.#sender.control(message);
  }

  reconnect() {
    this.#connection.connectNow();
  }

  /** The page has drawn what it was sent. @param {Drawn} drawn */
  drawn(drawn) {
    this.#painter.drawn(drawn);
  }

  /** The fallback machine moves on. @param {FallbackEvent} event */
  event(event) {
    const [next, effects] = stepFallback(this.#fallback, event, now(), this.#settings);
    const reason = fallReason(this.#fallback, event, next);
    this.#fallback = next;
    if (reason !== null) this.#fell = reason;
    this.#tellFall();
    for (const effect of effects) {
      switch (effect) {
        case "video-on":
        case "video-off":
          this.#decoder?.reset();
          this.#figures.forget();
          this.#connection.sendControl({ type: "SetVideoEnabled", enabled: effect === "video-on" });
          break;
        case "stills-on":
          this.#stills.start();
          break;
        case "stills-off":
          this.#stills.stop();
          break;
        case "reset-base":
          this.#clock.resetBase();
          break;
        case "changed":
          this.#reportStatus();
          this.#reportStats();
          break;
      }
    }
    // Shown again after a while: do not sit out what is left of a long wait.
    const isShown = event.type === "visible" && event.visible;
    if (isShown && this.#connection.state === "waiting") this.reconnect();
  }

  /** The gateway counts why viewers leave video; it hears of it when there is a way to it. */
  #tellFall() {
    if (this.#fell === null || this.#connection.state !== "open") return;
    this.#connection.sendControl({ type: "FellBack", reason: this.#fell });
    this.#fell = null;
  }

  // The parts.

  /** @param {URL} desk */
  #makeConnection(desk) {
    const webSocketUrl = new URL("stream", desk);
    webSocketUrl.protocol = webSocketUrl.protocol === "https:" ? "wss:" : "ws:";
    return new Connection({
      webSocketUrl,
      httpUrl: new URL("http", desk),
      now,
      settings: () => this.#settings,
      hello: (carriesVideo) => ({
        type: "Hello",
        viewer: this.#start.viewer,
        video_enabled: wantsVideo({ ...this.#fallback, plain: !carriesVideo }),
        keyframes_only: false,
      }),
      expectsPicture: () => {
        const isThere = this.#deskState === null || this.#deskState === "live";
        return this.#fallback.visible && isThere;
      },
      onopen: (isContinued) => this.#opened(isContinued),
      onbinary: (data) => this.#guard(() => this.#binary(data)),
      ontext: (text) => this.#guard(() => this.#text(text)),
      onchange: () => {
        // Plain HTTP that is lost was so for long; a WebSocket alone may have been cut by a proxy.
        if (this.#connection.state === "waiting" && !this.#connection.carriesVideo) this.#wasAway = true;
        // Replaced or refused: no picture comes here any more by any way.
        if (this.#connection.state === "closed") this.#stills.stop();
        this.#reportStatus();
      },
    });
  }

  /** @param {URL} url */
  #makeStills(url) {
    return new Stills({
      url,
      now,
      settings: () => this.#settings,
      base_rtt_ms: () => this.#clock.base_rtt_ms ?? 0,
      viewer: this.#start.viewer,
      onpatch: ({ operations, size, bytes, captured_us, stale }) => {
        this.#figures.still(bytes, stale, now());
        const desk = size ?? this.#deskSize;
        if (!desk) return Promise.reject(new Error("a patch for a desk of unknown size"));
        return this.#painter.patch(operations, desk, {
          isWanted: () => wantsStills(this.#fallback),
          drawn: (at_ms) => this.#painted(() => this.#figures.painted(captured_us, at_ms)),
        });
      },
      onstill: ({ bitmap, bytes, captured_us, stale }) => {
        this.#figures.still(bytes, stale, now());
        const size = { width: bitmap.width, height: bitmap.height };
        this.#painter.picture(bitmap, size, this.#deskSize ?? size, {
          isWanted: () => wantsStills(this.#fallback),
          drawn: (at_ms) => this.#painted(() => this.#figures.painted(captured_us, at_ms)),
        });
      },
      onunchanged: (captured_us, stale) => this.#figures.unchanged(captured_us, stale, now()),
      onrefused: (status) => {
        this.#connection.close(status === 401 ? CloseCode.UNAUTHORIZED : CloseCode.FORBIDDEN);
      },
    });
  }

  #makeDecoder() {
    return new Decoder({
      now,
      settings: () => this.#settings,
      VideoDecoder,
      EncodedVideoChunk,
      onexpected: ({ areas }) => this.#painter.expect(areas),
      onabandoned: (place) => this.#painter.leave(place),
      onpicture: (frame, unit, place) => this.#picture(frame, unit, place),
      onpatch: (unit) => void this.#patch(unit),
      onneedidr: () => this.#connection.sendControl({ type: "RequestIdr" }),
      onunsupported: () => this.event({ type: "decoder-missing", reason: "unsupported" }),
      onfailed: (why) => {
        console.error(`fanlight: video could not be shown: ${why}`);
        this.event({ type: "decoder-failed" });
      },
    });
  }

  // What comes from the gateway.

  /** @param {boolean} isContinued  nothing was lost: what waits may still go */
  #opened(isContinued) {
    this.#clock.connected();
    this.#decoder?.reset();
    this.#acks = new Acks();
    this.#stream++;
    this.#rendition = null;
    if (!isContinued) this.#sender.reset();
    this.#figures.forget();
    this.event({ type: "connected", plain: !this.#connection.carriesVideo });
    if (wantsStills(this.#fallback)) this.#stills.start();
    if (this.#wasAway) this.#stills.reconnected();
    this.#wasAway = false;
    this.#ping();
  }

  /**
   * What is no message, or one that this page does not know yet, harms nothing: it is told and
   * dropped. What it carried, if it was video, the gate misses.
   *
   * @param {() => void} handle
   */
  #guard(handle) {
    try {
      handle();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      console.error(`fanlight: ${error.message}`);
    }
  }

  /** @param {string} text */
  #text(text) {
    const message = decodeControl(text);
    switch (message.type) {
      case "Welcome":
        this.#settings = withDefaults(message.settings);
        this.#stills.reconfigure();
        this.#role = message.role;
        this.#isOutdated = message.protocol !== PROTOCOL_VERSION;
        if (this.#isOutdated) this.#connection.close();
        break;
      case "DeskState":
        this.#deskState = message.state;
        if (message.width > 0 && message.height > 0) {
          this.#deskSize = { width: message.width, height: message.height };
        }
        break;
      case "VideoState":
        this.#videoState = message.state;
        this.#changeRendition(message.rendition);
        break;
      case "Clipboard":
        this.#report({ type: "clipboard", text: message.text });
        return;
      case "Error":
        this.#report({ type: "gateway-error", code: message.code, message: message.message });
        return;
    }
    this.#reportStatus();
    this.#reportSize();
  }

  /** @param {ArrayBuffer} data */
  #binary(data) {
    const message = decodeFromGateway(data);
    switch (message.type) {
      case "VideoUnit":
        this.#unit(message, data.byteLength);
        break;
      case "Pong":
        if (this.#clock.pong(message, now())) this.#judgeRtt();
        break;
      case "PointerPosition":
        this.#report({ type: "pointer-position", x: message.x, y: message.y });
        break;
      case "PointerShape":
        this.#report({ type: "pointer-shape", shape: { ...message, png: message.png.slice() } });
        break;
    }
  }

  /** @param {string} rendition */
  #changeRendition(rendition) {
    if (rendition === "" || rendition === this.#rendition) return;
    this.#rendition = rendition;
    this.#stream++;
    const ack = this.#acks.begin();
    if (ack) this.#connection.send(ack);
    this.#decoder?.expectIdr();
  }

  /** @param {VideoUnit} unit @param {number} bytes */
  #unit(unit, bytes) {
    this.#figures.unit(unit, bytes, now());
    this.#acks.received(unit.epoch, unit.sequence, unit.relaxed, now());
    this.#scheduleAck();
    if (wantsVideo(this.#fallback)) this.#decoder?.push(unit);
    else this.#figures.forget(); // it was on its way when video was turned off
  }

  #ack() {
    this.#ackAt_ms = Infinity;
    const ack = this.#acks.due(now());
    if (ack) this.#connection.send(ack);
    this.#scheduleAck();
  }

  /** A timer that is set for earlier finds out itself. */
  #scheduleAck() {
    const { due_ms } = this.#acks;
    if (due_ms === null || due_ms >= this.#ackAt_ms) return;
    clearTimeout(this.#ackTimer);
    this.#ackAt_ms = due_ms;
    this.#ackTimer = setTimeout(() => this.#ack(), Math.max(1, due_ms - now()));
  }

  // What goes onto the screen.

  /** @param {VideoFrame} frame @param {VideoUnit} unit @param {Place} place */
  #picture(frame, unit, place) {
    this.#painter.show(place, frame, unit, this.#sizeOf(unit), this.#watch(unit));
  }

  /** The desk's size, by a picture of it. @param {VideoUnit} unit @returns {Size} */
  #sizeOf(unit) {
    const desk = this.#deskSize;
    const isScaled = this.#rendition !== null && SCALED.includes(this.#rendition);
    return isScaled && desk && desk.width >= unit.width && desk.height >= unit.height ? desk : unit;
  }

  /** @param {VideoUnit} unit */
  async #patch(unit) {
    try {
      await this.#painter.patch(decodePatch(unit.payload), unit, this.#watch(unit));
    } catch (error) {
      // What is no patch, or has an image that is none: the picture has to come anew.
      console.error(`fanlight: ${/** @type {Error} */ (error).message}`);
      this.#decoder?.lost();
    }
  }

  /** @param {VideoUnit} unit */
  #watch(unit) {
    const stream = this.#stream;
    return {
      isWanted: () => wantsVideo(this.#fallback),
      drawn: (/** @type {number} */ at_ms) => this.#shown(unit, at_ms, stream === this.#stream),
    };
  }

  /** @param {VideoUnit} unit @param {number} at_ms @param {boolean} isCurrent */
  #shown(unit, at_ms, isCurrent) {
    this.#painted(() => this.#figures.paintedUnit(unit, at_ms));
    const { age_ms } = this.#figures;
    const ack = isCurrent ? this.#acks.painted(unit.epoch, unit.sequence, age_ms, now()) : null;
    if (ack) this.#connection.send(ack);
    this.#scheduleAck();
    if (age_ms !== null) this.event({ type: "age", age_ms });
  }

  /** A coarse picture, if it comes before any other. */
  async #paintFirst() {
    if (!wantsVideo(this.#fallback)) return;
    const place = this.#painter.expect();
    const still = await (this.#start.bringsStill
      ? new Promise((/** @type {(still: Still | null) => void} */ resolve) => {
          this.#stillBrought = resolve;
        })
      : firstStill(this.#screenshot, { signal: this.#firstStill.signal }));
    if (still === null) {
      this.#painter.leave(place);
      return;
    }
    const { bitmap, bytes, captured_us, stale } = still;
    const source = { width: bitmap.width, height: bitmap.height };
    const watcher = {
      isWanted: () => !this.#isStopped && !this.#figures.hasPainted,
      drawn: (/** @type {number} */ at_ms) => {
        this.#painted(() => this.#figures.painted(captured_us, at_ms));
      },
    };
    this.#figures.still(bytes, stale && !this.#figures.hasPainted, now());
    this.#painter.picture(bitmap, source, this.#deskSize ?? source, watcher, place);
  }

  /** A picture is really on the canvas. @param {() => void} note */
  #painted(note) {
    const isFirst = !this.#figures.hasPainted;
    note();
    this.#connection.painted();
    this.#reportSize();
    if (isFirst) this.#reportStatus();
  }

  // What is measured.

  /** Pings, one by one; each is also the moment to look at how things stand. */
  #ping() {
    clearTimeout(this.#pingTimer);
    if (this.#connection.state !== "open") return;
    const { ping_interval_ms, http_ping_interval_ms } = this.#settings;
    const interval_ms = !this.#connection.carriesVideo ? http_ping_interval_ms : ping_interval_ms;
    this.#pingTimer = setTimeout(() => this.#ping(), interval_ms);
    if (!this.#fallback.visible) {
      this.#pingedSince_ms = null;
      return;
    }
    this.#pingedSince_ms ??= now();
    if (this.#isSilent()) return;
    // A measurement takes answers only; judging takes a late one for an answer, too.
    if (this.#fallback.state !== "measuring") this.#judgeRtt();
    this.#connection.send(this.#clock.ping(now()));
    this.#decoder?.poke();
    const age_ms = this.#figures.overdue(now());
    if (age_ms !== null) this.event({ type: "age", age_ms });
  }

  /** Nothing has come for long, though pings went out: that is no bad link, but none. */
  #isSilent() {
    const { silence_limit_ms } = this.#settings;
    const since_ms = Math.max(this.#connection.lastMessage_ms, this.#pingedSince_ms ?? Infinity);
    const silent_ms = now() - since_ms;
    if (this.#connection.carriesVideo && silent_ms > silence_limit_ms) {
      this.#wasAway = true;
      this.event({ type: "silent" });
      this.#connection.silent();
      return true;
    }
    return false;
  }

  /** While a key is held, a ping is always under way: a stall shows before many repetitions go. */
  #probe() {
    if (this.#connection.state !== "open" || !this.#connection.carriesVideo || this.#clock.waiting) return;
    this.#connection.send(this.#clock.ping(now()));
  }

  #judgeRtt() {
    // What does not come at all is not late: see #isSilent.
    if (now() - this.#connection.lastMessage_ms > this.#settings.silence_limit_ms / 2) return;
    const rtt_ms = this.#clock.currentRtt(now());
    const base_rtt_ms = this.#clock.base_rtt_ms ?? 0;
    if (rtt_ms !== null) this.event({ type: "rtt", rtt_ms, base_rtt_ms });
  }

  // What the page is told.

  #reportSize() {
    const size = this.#deskSize ?? { width: this.#painter.width, height: this.#painter.height };
    const name = `${size.width}x${size.height}`;
    if (size.width === 0 || name === this.#reportedSize) return;
    this.#reportedSize = name;
    this.#report({ type: "size", ...size });
  }

  #reportStatus() {
    const { state, mode, reason, visible } = this.#fallback;
    this.#report({
      type: "status",
      status: {
        connection: this.#connection.state,
        closeCode: this.#connection.closeCode,
        retry_in_ms: this.#connection.retry_in_ms,
        role: this.#role,
        desk: this.#deskState,
        video: this.#videoState,
        fallback: state,
        mode,
        reason,
        visible,
        plain: this.#fallback.plain,
        painted: this.#figures.hasPainted,
        problem: this.#isOutdated ? "outdated" : null,
      },
    });
  }

  #reportStats() {
    if (this.#connection.state === "waiting") this.#reportStatus(); // the seconds count down
    const { epoch, received, video_bytes, still_bytes, stale, age_ms } = this.#figures;
    const isVideo = this.#fallback.state === "video" && !this.#fallback.plain;
    this.#report({
      type: "stats",
      stats: {
        mode: this.#fallback.mode,
        state: this.#fallback.state,
        connection: this.#connection.state,
        transport: this.#connection.transportName,
        rtt_ms: this.#clock.rtt_ms,
        base_rtt_ms: this.#clock.base_rtt_ms,
        age_ms,
        painted: this.#painter.painted,
        ...this.#figures.rates(now()),
        decoder: isVideo ? "WebCodecs" : "JPEG",
        codec: isVideo ? (this.#decoder?.codec ?? null) : null,
        rendition: isVideo ? this.#rendition : null,
        width: this.#painter.width,
        height: this.#painter.height,
        epoch,
        received,
        video_bytes,
        still_bytes,
        backlog: this.#decoder?.backlog ?? 0,
        quality: isVideo ? null : this.#stills.quality,
        scale: isVideo ? null : this.#stills.scale,
        stale,
      },
    });
  }
}

/** @param {InputMessage} message */
function isRepetition(message) {
  return message.type === "Key" && message.repeat === true;
}
