// @ts-check
/**
 * One viewer's session with one desk. Lives in the worker; owns the connection, what is sent over
 * it, the pings, the fallback machine, and the pictures (pictures.js), and wires them together.
 *
 * Other modules decide: fallback.js (video or screenshots), screenshots/polling.js (when and how to
 * fetch), transport/retry-wait.js, video/gate.js. This one hands them events, and does what they
 * say. It logs and drops bytes that are no message, and messages that this page does not know.
 *
 * @import { Command, Report } from "./worker.js"
 * @import { Fallback, FallbackEffect, FallbackEvent } from "./fallback.js"
 * @import { InputMessage } from "../protocol/binary.js"
 * @import { ViewerControl } from "../protocol/control.js"
 * @import { FirstScreenshot } from "../screenshots/first-screenshot.js"
 * @import { DrawResult } from "../painting/drawing.js"
 */

import { Clock } from "../measure/clock.js";
import { Pinging } from "../measure/pinging.js";
import { decodeFromGateway } from "../protocol/binary.js";
import { decodeControl } from "../protocol/control.js";
import { Refusals } from "../protocol/refusals.js";
import { Connection } from "../transport/connection.js";
import { Sender } from "../transport/sender.js";
import { FallbackReport } from "./fallback-report.js";
import { initialFallback, stepFallback, wantsVideo } from "./fallback.js";
import { GatewayState } from "./gateway-state.js";
import { Pictures } from "./pictures.js";
import { Reports } from "./reports.js";

export class Session {
  /** @type {(report: Report, transfer?: Transferable[]) => void} */
  #report;
  /** @type {() => number} */
  #now;
  /** @type {Fallback} */
  #fallback;
  #gateway = new GatewayState();
  #clock = new Clock();
  #refusals = new Refusals();
  /** @type {Connection} */
  #connection;
  /** @type {FallbackReport} */
  #fallbackReport;
  /** @type {Sender} */
  #sender;
  /** @type {Pinging} */
  #pinging;
  /** @type {Pictures} */
  #pictures;
  /** @type {Reports} */
  #reports;
  /** Whether the network was away, so that what was asked for before may never come. */
  #wasAway = false;

  /**
   * @param {Extract<Command, { type: "start" }>} start
   * @param {(report: Report, transfer?: Transferable[]) => void} report
   * @param {() => number} [now]  the worker's monotonic clock (ms)
   */
  constructor(start, report, now = () => performance.now()) {
    this.#report = report;
    this.#now = now;
    this.#fallback = initialFallback(start.mode, start.visible);
    const desk = new URL(`api/desks/${encodeURIComponent(start.desk)}/`, start.base);
    this.#connection = this.#makeConnection(desk, start.viewer);
    this.#fallbackReport = new FallbackReport(this.#connection);
    this.#sender = new Sender(this.#connection, () => this.#clock.isCongested(now()));
    this.#pinging = this.#makePinging();
    this.#pictures = this.#makePictures(desk, start);
    const shared = { now, fallback: () => this.#fallback, gateway: this.#gateway };
    const measured = { clock: this.#clock, pictures: this.#pictures };
    this.#reports = new Reports({ ...shared, ...measured, connection: this.#connection }, report);
  }

  /** Shows a first picture, and then connects. Does not connect if `stop` was called meanwhile. */
  async start() {
    if (!(await this.#pictures.start())) return;
    this.#connection.connect();
    this.#reports.start();
  }

  /**
   * Ends everything: timers, requests and the connection. It cannot be started again. Without a
   * connection, pings end by themselves, and pointer moves that wait are dropped.
   */
  stop() {
    this.#reports.stop();
    this.#pictures.stop();
    this.#connection.close();
  }

  /**
   * Takes the first screenshot from the page; null if the page has none.
   *
   * @param {FirstScreenshot | null} screenshot
   */
  bringFirstScreenshot(screenshot) {
    this.#pictures.firstPicture.bring(screenshot);
  }

  /** Sends what a person did. @param {InputMessage[]} messages */
  input(messages) {
    this.#sender.input(messages);
    if (messages.some((message) => message.type === "Key" && message.repeat)) this.#pinging.probe();
    this.#pictures.fetcher.expectChange();
  }

  /** Sends a control message of the page. @param {ViewerControl} message */
  control(message) {
    this.#sender.control(message);
  }

  /** Connects now, because a person asked for it. */
  reconnect() {
    this.#connection.connectNow();
  }

  /** Takes the page's answer to drawings that it was sent. @param {DrawResult} result */
  drawn(result) {
    this.#pictures.painter.drawn(result);
  }

  /** Gives an event to the fallback machine, and does what it says. @param {FallbackEvent} event */
  event(event) {
    const { settings } = this.#gateway;
    const [next, effects] = stepFallback(this.#fallback, event, this.#now(), settings);
    const before = this.#fallback;
    this.#fallback = next;
    this.#fallbackReport.stepped(before, event, next);
    for (const effect of effects) this.#apply(effect);
    if (event.type !== "visible" || !event.visible) return;
    // A person who looks at the page again does not wait for what is left of a long pause.
    if (this.#connection.state === "waiting") this.reconnect();
  }

  /** @param {FallbackEffect} effect */
  #apply(effect) {
    switch (effect) {
      case "video-on":
      case "video-off":
        this.#pictures.videoChanged();
        this.#connection.sendControl({ type: "SetVideoEnabled", enabled: effect === "video-on" });
        break;
      case "screenshots-on":
        this.#pictures.fetcher.start();
        break;
      case "screenshots-off":
        this.#pictures.fetcher.stop();
        break;
      case "reset-base":
        this.#clock.resetBase();
        break;
      case "changed":
        this.#reports.status();
        this.#reports.stats();
        break;
    }
  }

  /** @param {URL} desk @param {string} viewer */
  #makeConnection(desk, viewer) {
    const webSocketUrl = new URL("stream", desk);
    webSocketUrl.protocol = webSocketUrl.protocol === "https:" ? "wss:" : "ws:";
    return new Connection({
      webSocketUrl,
      httpUrl: new URL("http", desk),
      now: this.#now,
      hello: (carriesVideo) => ({
        type: "Hello",
        viewer,
        video_enabled: wantsVideo({ ...this.#fallback, plain: !carriesVideo }),
        keyframes_only: false,
      }),
      expectsPicture: () => {
        const { deskState } = this.#gateway;
        return this.#fallback.visible && (deskState === null || deskState === "live");
      },
      onopen: (isContinued) => this.#opened(isContinued),
      onbinary: (data) => this.#refusals.guard(() => this.#receiveBinary(data)),
      ontext: (text) => this.#refusals.guard(() => this.#receiveText(text)),
      onchange: () => this.#connectionChanged(),
    });
  }

  #makePinging() {
    return new Pinging({
      now: this.#now,
      settings: () => this.#gateway.settings,
      clock: this.#clock,
      connection: this.#connection,
      isVisible: () => this.#fallback.visible,
      isMeasuringBase: () => this.#fallback.state === "measuring",
      onrtt: (rtt_ms, base_rtt_ms) => this.event({ type: "rtt", rtt_ms, base_rtt_ms }),
      onsilent: () => {
        this.#wasAway = true;
        // First, because what the event sends would be lost on the link that is silent.
        this.#connection.silent();
        this.event({ type: "silent" });
      },
      onping: () => this.#pictures.tick(),
    });
  }

  /** @param {URL} desk @param {Extract<Command, { type: "start" }>} start */
  #makePictures(desk, { viewer, bringsScreenshot }) {
    return new Pictures({
      now: this.#now,
      screenshotUrl: new URL("screenshot", desk),
      viewer,
      bringsScreenshot,
      gateway: this.#gateway,
      clock: this.#clock,
      connection: this.#connection,
      fallback: () => this.#fallback,
      event: (event) => this.event(event),
      draw: this.#report,
      onpainted: (isFirst) => {
        this.#connection.painted();
        this.#reports.size();
        if (isFirst) this.#reports.status();
      },
    });
  }

  // What comes from the gateway.

  #connectionChanged() {
    const { state, carriesVideo } = this.#connection;
    // Plain HTTP waits only after a long failure. A WebSocket may have been cut by a proxy alone.
    if (state === "waiting" && !carriesVideo) this.#wasAway = true;
    // The viewer was replaced or refused, so no picture is for it any more.
    if (state === "closed") this.#pictures.fetcher.stop();
    this.#reports.status();
  }

  /** @param {boolean} isContinued  whether no message of the viewer was lost */
  #opened(isContinued) {
    this.#clock.connected();
    this.#pictures.connected();
    this.#gateway.rendition = null;
    if (!isContinued) this.#sender.reset();
    this.event({ type: "connected", plain: !this.#connection.carriesVideo });
    this.#pictures.resume(this.#wasAway);
    this.#wasAway = false;
    this.#pinging.start();
  }

  /** @param {string} text */
  #receiveText(text) {
    const message = decodeControl(text);
    switch (message.type) {
      case "Clipboard":
        this.#report({ type: "clipboard", text: message.text });
        return;
      case "Error":
        this.#report({ type: "gateway-error", code: message.code, message: message.message });
        return;
    }
    this.#gateway.apply(message);
    if (message.type === "Welcome") {
      this.#pictures.fetcher.reconfigure();
      if (this.#gateway.isOtherVersion) this.#connection.close();
    }
    if (message.type === "VideoState" && this.#gateway.changeRendition(message.rendition)) {
      this.#pictures.renditionChanged();
    }
    this.#reports.status();
    this.#reports.size();
  }

  /** @param {ArrayBuffer} data */
  #receiveBinary(data) {
    const message = decodeFromGateway(data);
    switch (message.type) {
      case "VideoUnit":
        this.#pictures.receive(message, data.byteLength);
        break;
      case "Pong":
        this.#pinging.pong(message);
        break;
      case "PointerPosition":
        this.#report({ type: "pointer-position", x: message.x, y: message.y });
        break;
      case "PointerShape":
        this.#report({ type: "pointer-shape", shape: { ...message, png: message.png.slice() } });
        break;
    }
  }
}
