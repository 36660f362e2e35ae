// @ts-check
/**
 * One viewer's session with one desk. Lives in the worker, wires the parts together.
 *
 * @import { Command, Report } from "./worker.js"
 * @import { Fallback, FallbackEvent } from "./fallback.js"
 * @import { InputMessage, VideoUnit } from "./protocol.js"
 * @import { ViewerControl } from "./control.js"
 * @import { Settings } from "./settings.js"
 *
 * @typedef {{
 *   mode: string, state: string, connection: string, rtt_ms: number | null,
 *   base_rtt_ms: number | null, age_ms: number | null, painted: number, fps: number,
 *   bitrate_kbps: number, decoder: string, codec: string | null, width: number, height: number,
 *   epoch: number, received: number, video_bytes: number, still_bytes: number, backlog: number,
 *   quality: number | null, scale: number | null, stale: boolean,
 * }} Stats
 *
 * received: the newest sequence. video_bytes, still_bytes, painted: since the page was opened.
 */

import { Acks, ACK_DELAY_MS } from "./acks.js";
import { Clock } from "./clock.js";
import { decodeControl } from "./control.js";
import { Decoder } from "./decoder.js";
import { initialFallback, stepFallback, wantsStills, wantsVideo } from "./fallback.js";
import { Link } from "./link.js";
import { Meter } from "./meter.js";
import { Outbox } from "./outbox.js";
import { Painter } from "./painter.js";
import { decodeFromGateway, PROTOCOL_VERSION, ProtocolError } from "./protocol.js";
import { withDefaults } from "./settings.js";
import { Stills } from "./stills.js";

/** What every H.264 decoder plays; it tells whether there is one at all. */
const PLAIN_CODEC = "avc1.42E01F";
const REPORT_INTERVAL_MS = 500;
/** How often a busy socket is looked at for moves that wait (ms). */
const OUTBOX_RETRY_MS = 8;

const now = () => performance.now();

export class Session {
  /** @type {(report: Report) => void} */
  #report;
  /** @type {Extract<Command, { type: "start" }>} */
  #start;
  /** @type {Readonly<Settings>} */
  #settings = withDefaults();
  /** @type {Fallback} */
  #fallback;
  #clock = new Clock();
  #acks = new Acks();
  #outbox = new Outbox();
  #pictures = new Meter();
  #bytes = new Meter();
  /** @type {Painter} */
  #painter;
  /** @type {Link} */
  #link;
  /** @type {Stills} */
  #stills;
  /** @type {Decoder | null} */
  #decoder = null;
  /** What is to be done later, at most once each. @type {Map<string, ReturnType<typeof setTimeout>>} */
  #timers = new Map();
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #reportTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #pingTimer;
  #stopped = false;

  // What the gateway told.
  /** @type {string | null} */
  #role = null;
  /** @type {string | null} */
  #deskState = null;
  /** @type {{ width: number, height: number } | null} */
  #deskSize = null;
  /** @type {string | null} */
  #videoState = null;
  #outdated = false;

  // What was seen.
  #received = { epoch: 0, sequence: 0 };
  /** The picture on the screen. @type {{ captured_us: number | null, age_ms: number | null } | null} */
  #shown = null;
  /** A unit that is newer than the picture on the screen has come. */
  #pending = false;
  #stale = false;
  #videoBytes = 0;
  #stillBytes = 0;
  #shownSize = "";

  /**
   * @param {Extract<Command, { type: "start" }>} start
   * @param {(report: Report) => void} report
   */
  constructor(start, report) {
    this.#start = start;
    this.#report = report;
    this.#fallback = initialFallback(start.mode, start.visible);
    this.#painter = new Painter(start.canvas);
    const desk = `api/desks/${encodeURIComponent(start.desk)}/`;
    const stream = new URL(`${desk}stream`, start.base);
    stream.protocol = stream.protocol === "https:" ? "wss:" : "ws:";
    const settings = () => this.#settings;
    this.#link = new Link({
      url: stream,
      now,
      settings,
      onopen: () => this.#opened(),
      onbinary: (data) => this.#guard(() => this.#binary(data)),
      ontext: (text) => this.#guard(() => this.#text(text)),
      onchange: () => {
        // Replaced or refused: no picture comes here any more by any way.
        if (this.#link.state === "closed") this.#stills.stop();
        this.#reportStatus();
      },
    });
    this.#stills = new Stills({
      url: new URL(`${desk}screenshot`, start.base),
      now,
      settings,
      base_rtt_ms: () => this.#clock.base_rtt_ms ?? 0,
      onstill: ({ bitmap, bytes, captured_us, stale }) => {
        this.#stillBytes += bytes;
        this.#bytes.add(bytes, now());
        this.#stale = stale;
        const size = { width: bitmap.width, height: bitmap.height };
        this.#painter.draw(bitmap, size, this.#deskSize ?? size);
        this.#painted(captured_us);
      },
      onunchanged: (captured_us, stale) => {
        this.#stale = stale;
        // Unchanged: the picture on the screen is as new as that answer.
        if (this.#shown) this.#shown = { captured_us, age_ms: this.#age(captured_us) };
      },
      onrefused: (status) => this.#link.close(status === 401 ? 4401 : 4403),
    });
  }

  async start() {
    const missing = await missingDecoder();
    if (this.#stopped) return;
    if (missing) this.event({ type: "decoder-missing", reason: missing });
    else this.#decoder = this.#makeDecoder();
    if (wantsStills(this.#fallback)) this.#stills.start();
    this.#link.connect();
    this.#reportTimer = setInterval(() => this.#reportStats(), REPORT_INTERVAL_MS);
    this.#ping();
  }

  stop() {
    this.#stopped = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    clearInterval(this.#reportTimer);
    clearTimeout(this.#pingTimer);
    this.#stills.stop();
    this.#decoder?.reset();
    this.#link.close();
  }

  /** @param {InputMessage[]} messages */
  input(messages) {
    if (this.#link.state !== "open") return; // what was typed into the void is not typed later
    for (const message of messages) {
      const busy = this.#link.bufferedAmount !== 0;
      for (const ready of this.#outbox.push(message, busy)) this.#link.send(ready);
    }
    if (this.#outbox.waiting) this.#later("flush", OUTBOX_RETRY_MS, () => this.#flush());
    this.#stills.poke();
  }

  /** @param {ViewerControl} message */
  control(message) {
    for (const ready of this.#outbox.take()) this.#link.send(ready);
    this.#link.sendControl(message);
  }

  reconnect() {
    this.#link.connectNow();
  }

  snapshot() {
    return this.#painter.snapshot();
  }

  /** The fallback machine moves on. @param {FallbackEvent} event */
  event(event) {
    const [next, effects] = stepFallback(this.#fallback, event, now(), this.#settings);
    this.#fallback = next;
    for (const effect of effects) {
      switch (effect) {
        case "video-on":
        case "video-off":
          this.#decoder?.reset();
          this.#pending = false;
          this.#link.sendControl({ type: "SetVideoEnabled", enabled: effect === "video-on" });
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
    if (event.type === "visible" && event.visible && this.#link.state === "waiting") this.reconnect();
  }

  #makeDecoder() {
    return new Decoder({
      now,
      settings: () => this.#settings,
      VideoDecoder,
      EncodedVideoChunk,
      onpicture: (frame, unit) => this.#picture(frame, unit),
      onneedidr: () => this.#link.sendControl({ type: "RequestIdr" }),
      onunsupported: () => this.event({ type: "decoder-missing", reason: "unsupported" }),
      onfailed: (why) => {
        console.error(`fanlight: video could not be shown: ${why}`);
        this.event({ type: "decoder-failed" });
      },
    });
  }

  #opened() {
    this.#clock.connected();
    this.#decoder?.reset();
    this.#acks = new Acks();
    this.#outbox.take();
    this.#pending = false;
    this.#link.sendControl({
      type: "Hello",
      viewer: this.#start.viewer,
      video_enabled: wantsVideo(this.#fallback),
      keyframes_only: false,
    });
    this.event({ type: "connected" });
    if (wantsStills(this.#fallback)) this.#stills.start();
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
        this.#outdated = message.protocol !== PROTOCOL_VERSION;
        if (this.#outdated) this.#link.close();
        break;
      case "DeskState":
        this.#deskState = message.state;
        if (message.width > 0 && message.height > 0) {
          this.#deskSize = { width: message.width, height: message.height };
        }
        break;
      case "VideoState":
        this.#videoState = message.state;
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

  /** @param {VideoUnit} unit @param {number} bytes */
  #unit(unit, bytes) {
    this.#videoBytes += bytes;
    this.#bytes.add(bytes, now());
    this.#received = { epoch: unit.epoch, sequence: unit.sequence };
    this.#acks.received(unit.epoch, unit.sequence, now());
    this.#later("ack", ACK_DELAY_MS, () => this.#ack());
    if (!wantsVideo(this.#fallback)) return; // was on its way when video was turned off
    this.#pending = true;
    this.#decoder?.push(unit);
  }

  /** @param {VideoFrame} frame @param {VideoUnit} unit */
  #picture(frame, unit) {
    try {
      if (!wantsVideo(this.#fallback)) return;
      this.#painter.draw(frame, unit);
    } finally {
      frame.close();
    }
    this.#stale = false;
    this.#pending = unit.sequence !== this.#received.sequence;
    this.#painted(unit.captured_us);
    const age_ms = this.#shown?.age_ms ?? null;
    const ack = this.#acks.painted(unit.epoch, unit.sequence, age_ms);
    if (ack) this.#link.send(ack);
    if (age_ms !== null) this.event({ type: "age", age_ms });
  }

  /** A picture is really on the canvas. @param {number | null} captured_us */
  #painted(captured_us) {
    const first = this.#shown === null;
    this.#shown = { captured_us, age_ms: this.#age(captured_us) };
    this.#pictures.add(1, now());
    this.#link.painted();
    this.#reportSize();
    if (first) this.#reportStatus();
  }

  #ack() {
    const ack = this.#acks.due(now());
    if (ack) this.#link.send(ack);
    else if (this.#acks.waiting) this.#later("ack", ACK_DELAY_MS / 4, () => this.#ack());
  }

  #flush() {
    if (this.#link.bufferedAmount !== 0) {
      if (this.#outbox.waiting) this.#later("flush", OUTBOX_RETRY_MS, () => this.#flush());
      return;
    }
    for (const ready of this.#outbox.take()) this.#link.send(ready);
  }

  /** Pings, one by one; each is also the moment to look at how things stand. */
  #ping() {
    clearTimeout(this.#pingTimer);
    if (this.#stopped) return;
    this.#pingTimer = setTimeout(() => this.#ping(), this.#settings.ping_interval_ms);
    if (this.#link.state !== "open" || !this.#fallback.visible) return;
    // A measurement takes answers only; judging takes a silence for an answer, too.
    if (this.#fallback.state !== "measuring") this.#judgeRtt();
    this.#link.send(this.#clock.ping(now()));
    const shown_us = this.#shown?.captured_us;
    if (this.#pending && typeof shown_us === "number") {
      const age_ms = this.#age(shown_us);
      if (age_ms !== null) this.event({ type: "age", age_ms });
    }
  }

  #judgeRtt() {
    const rtt_ms = this.#clock.currentRtt(now());
    const base_rtt_ms = this.#clock.base_rtt_ms;
    if (rtt_ms !== null) this.event({ type: "rtt", rtt_ms, base_rtt_ms: base_rtt_ms ?? 0 });
  }

  /** @param {number | null} captured_us */
  #age(captured_us) {
    return captured_us === null ? null : this.#clock.age(captured_us, now());
  }

  #reportSize() {
    const size = this.#deskSize ?? { width: this.#painter.width, height: this.#painter.height };
    const name = `${size.width}x${size.height}`;
    if (size.width === 0 || name === this.#shownSize) return;
    this.#shownSize = name;
    this.#report({ type: "size", ...size });
  }

  #reportStatus() {
    const { state, mode, reason, visible } = this.#fallback;
    const { closeCode, retry_in_ms } = this.#link;
    this.#report({
      type: "status",
      status: {
        connection: this.#link.state,
        closeCode,
        retry_in_ms,
        role: this.#role,
        desk: this.#deskState,
        video: this.#videoState,
        fallback: state,
        mode,
        reason,
        visible,
        painted: this.#shown !== null,
        problem: this.#outdated ? "outdated" : null,
      },
    });
  }

  #reportStats() {
    if (this.#link.state === "waiting") this.#reportStatus(); // the seconds count down
    const { epoch, sequence } = this.#received;
    const stills = !wantsVideo(this.#fallback);
    const codec = this.#decoder?.codec ?? null;
    this.#report({
      type: "stats",
      stats: {
        mode: this.#fallback.mode,
        state: this.#fallback.state,
        connection: this.#link.state,
        rtt_ms: this.#clock.rtt_ms,
        base_rtt_ms: this.#clock.base_rtt_ms,
        age_ms: this.#shown?.age_ms ?? null,
        painted: this.#painter.painted,
        fps: this.#pictures.rate(now()),
        bitrate_kbps: (this.#bytes.rate(now()) * 8) / 1000,
        decoder: stills ? "JPEG" : "WebCodecs",
        codec: stills ? null : codec,
        width: this.#painter.width,
        height: this.#painter.height,
        epoch,
        received: sequence,
        video_bytes: this.#videoBytes,
        still_bytes: this.#stillBytes,
        backlog: this.#decoder?.backlog ?? 0,
        quality: stills ? this.#stills.quality : null,
        scale: stills ? this.#stills.scale : null,
        stale: this.#stale,
      },
    });
  }

  /** @param {string} name @param {number} wait_ms @param {() => void} action */
  #later(name, wait_ms, action) {
    if (this.#timers.has(name)) return;
    const timer = setTimeout(() => {
      this.#timers.delete(name);
      action();
    }, wait_ms);
    this.#timers.set(name, timer);
  }
}

/**
 * Why this browser cannot play the video, before a byte of it is asked for.
 *
 * @returns {Promise<"insecure" | "unsupported" | null>}
 */
async function missingDecoder() {
  if (typeof VideoDecoder === "undefined") return isSecureContext ? "unsupported" : "insecure";
  const { supported } = await VideoDecoder.isConfigSupported({ codec: PLAIN_CODEC });
  return supported ? null : "unsupported";
}
