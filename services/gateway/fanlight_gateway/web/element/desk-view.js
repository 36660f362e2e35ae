// @ts-check
/**
 * Shows one desk in a `<fanlight-view>`, until another desk is shown, or none. Lives in the page;
 * owns what is in the shadow DOM, and the parts that work on it: the worker, the canvas, the
 * cursor, the input, the notices and the clipboard. It wires them together.
 *
 * @import { Command, Report } from "../session/worker.js"
 * @import { Stats, Status } from "../session/reports.js"
 * @import { FirstScreenshot } from "../screenshots/first-screenshot.js"
 * @import { Drawing, DrawResult } from "../painting/drawing.js"
 * @import { StartCommand } from "./worker-host.js"
 *
 * @typedef {{
 *   root: ShadowRoot,
 *   command: () => StartCommand,
 *   firstScreenshot: Promise<FirstScreenshot | null> | null,
 *   locksPointer: () => boolean,
 *   dispatch: (event: CustomEvent) => void,
 *   onstate: () => void,
 * }} DeskViewHost
 *
 * root: its content is replaced. command: returns the command that the worker starts with.
 * dispatch: dispatches an event of the element. onstate: `status` or `text` has changed.
 */

import { ClipboardBridge } from "../input/clipboard.js";
import { letterbox } from "../input/geometry.js";
import { Input } from "../input/input.js";
import { DeskCanvas } from "./canvas.js";
import { DeskCursor } from "./cursor.js";
import { Notices } from "./notices.js";
import { describeStatus, INITIAL_STATUS, isFresh, lacksEncoder, mayBeSeen } from "./status-text.js";
import { TEMPLATE } from "./template.js";
import { WorkerHost } from "./worker-host.js";

export class DeskView {
  /** @type {DeskViewHost} */
  #host;
  /** @type {HTMLElement} */
  #surface;
  /** @type {HTMLTextAreaElement} */
  #keyboard;
  /** @type {WorkerHost} */
  #worker;
  /** @type {DeskCanvas} */
  #canvas;
  /** @type {DeskCursor} */
  #cursor;
  /** @type {Input} */
  #input;
  /** @type {Notices} */
  #notices;
  #clipboard = new ClipboardBridge(
    (text) => this.send({ type: "control", message: { type: "Clipboard", text } }),
    (text) => this.#offer(text),
  );
  /** A text of the desk that waits for a click. @type {string | null} */
  #offered = null;
  /** Ends the listeners when it is aborted. */
  #abort = new AbortController();
  /** The desk's size; 0: not known yet. */
  #size = { width: 0, height: 0 };
  #isFirstStatus = true;
  status = INITIAL_STATUS;
  text = describeStatus(INITIAL_STATUS);
  /** The newest statistics; null before the first ones. @type {Readonly<Stats> | null} */
  stats = null;

  /** @param {DeskViewHost} host */
  constructor(host) {
    this.#host = host;
    const { root } = host;
    // Each desk has a canvas of its own, so that nothing of another desk is on it.
    root.innerHTML = TEMPLATE;
    const { desk } = host.command();
    this.#surface = part(root, ".surface");
    this.#surface.setAttribute("aria-label", `Desk ${desk}`);
    this.#keyboard = part(root, "textarea");
    this.#keyboard.setAttribute("aria-label", `Keyboard of the desk ${desk}`);
    this.#notices = new Notices(root, {
      onaction: () => this.#act(),
      ontakeoffer: () => void this.#takeOffer(),
    });
    this.#worker = new WorkerHost({
      command: host.command,
      onreport: (report) => this.#receive(report),
      onfirstscreenshot: (bitmap) => this.#canvas.preview(bitmap),
      onbroken: () => this.#show({ ...INITIAL_STATUS, problem: "broken" }),
    });
    this.#canvas = this.#makeCanvas(part(root, "canvas"));
    this.#worker.start(host.firstScreenshot);
    this.#cursor = new DeskCursor(this.#surface, part(root, "img"), () => this.#picture(false));
    this.#input = this.#makeInput();
    this.#listen();
    this.#show(INITIAL_STATUS);
  }

  /** Ends everything. It cannot be started again. */
  stop() {
    this.#abort.abort();
    this.#input.stop();
    this.#worker.stop();
  }

  /** Sends a command to the worker. @param {Command} command @param {Transferable[]} [transfer] */
  send(command, transfer) {
    this.#worker.send(command, transfer);
  }

  /** Returns what is on the canvas, as PNG. @returns {Promise<Blob>} */
  snapshot() {
    return this.#canvas.snapshot();
  }

  /** Puts a text onto the desk's clipboard. @param {string} text */
  copyToDesk(text) {
    this.#clipboard.toDesk(text);
  }

  /** @param {HTMLCanvasElement} canvas */
  #makeCanvas(canvas) {
    // When the GPU fails, the canvas loses its picture.
    canvas.addEventListener("contextrestored", () => {
      this.send({ type: "control", message: { type: "RequestIdr" } });
    });
    return new DeskCanvas(canvas);
  }

  #makeInput() {
    return new Input({
      surface: this.#surface,
      keyboard: this.#keyboard,
      clipboard: this.#clipboard,
      picture: () => this.#picture(true),
      desk: () => (this.#size.width ? this.#size : { width: 1, height: 1 }),
      send: (messages) => this.send({ type: "input", messages }),
      control: (message) => this.send({ type: "control", message }),
      onleave: () => this.#host.dispatch(new CustomEvent("leave")),
      onover: (isOver) => this.#cursor.setLocal(isOver),
    });
  }

  #listen() {
    const { signal } = this.#abort;
    const onvisible = () => {
      const visible = document.visibilityState === "visible";
      if (visible) this.#input.announce();
      else this.#input.release();
      this.send({ type: "visible", visible });
    };
    const ononline = () => {
      if (this.status.connection === "waiting") this.send({ type: "reconnect" });
    };
    const onclick = () => {
      if (this.#host.locksPointer() && !document.pointerLockElement) {
        void this.#surface.requestPointerLock();
      }
    };
    document.addEventListener("visibilitychange", onvisible, { signal });
    addEventListener("pagehide", () => this.#input.release(), { signal });
    addEventListener("online", ononline, { signal });
    this.#surface.addEventListener("click", onclick, { signal });
    const resized = new ResizeObserver(() => this.#cursor.update());
    resized.observe(this.#surface);
    signal.addEventListener("abort", () => resized.disconnect());
  }

  /** @param {Drawing[]} drawings */
  #draw(drawings) {
    /** @type {DrawResult} */
    let result = { at_ms: null, buffers: [] };
    try {
      result = this.#canvas.draw(drawings);
    } finally {
      // The worker waits for an answer, even if drawing threw an error.
      this.send({ type: "drawn", result }, result.buffers);
    }
  }

  /** @param {Report} report */
  #receive(report) {
    switch (report.type) {
      case "draw":
        this.#draw(report.drawings);
        break;
      case "status":
        this.#show(report.status);
        break;
      case "stats":
        this.stats = Object.freeze(report.stats);
        this.#host.dispatch(new CustomEvent("stats", { detail: this.stats }));
        break;
      case "size":
        this.#size = { width: report.width, height: report.height };
        this.#cursor.update();
        break;
      case "pointer-position":
        this.#cursor.setPosition(report.x, report.y);
        break;
      case "pointer-shape":
        this.#cursor.setShape(report.shape);
        break;
      case "clipboard":
        void this.#clipboard.fromDesk(report.text);
        break;
      case "gateway-error": {
        const { code, message } = report;
        if (code === "desk_away" || code === "view_only") this.#clipboard.forget();
        this.#host.dispatch(new CustomEvent("notice", { detail: { code, message } }));
        break;
      }
    }
  }

  /** @param {Status} status */
  #show(status) {
    const before = this.#isFirstStatus ? null : this.status;
    this.#isFirstStatus = false;
    this.status = status;
    // This comes first, because announcing the focus may send the clipboard.
    if (before?.connection !== status.connection || before.desk !== status.desk) {
      this.#clipboard.forget();
    }
    const mayAct = status.role === "control" && status.connection === "open";
    this.#input.setEnabled(mayAct);
    const didOpen = before?.connection !== "open" || before.role !== status.role;
    if (mayAct && didOpen) this.#input.announce();
    // The Tab key does not stop at a desk that takes no keys.
    this.#keyboard.tabIndex = status.role === "view" ? -1 : 0;
    const { classList } = this.#surface;
    classList.toggle("old", status.painted && !isFresh(status));
    classList.toggle("between", status.connection === "open" && lacksEncoder(status));
    classList.toggle("barred", !mayBeSeen(status));
    const { text, quiet } = this.text;
    const shown = describeStatus(status);
    if (!before || shown.text !== text || shown.quiet !== quiet || before.role !== status.role) {
      this.text = shown;
      this.#notices.show(shown, status);
      this.#host.onstate();
    }
  }

  /** Does what a click on the notice asks for. */
  #act() {
    const { action } = this.text;
    if (action === "reload") location.reload();
    else if (action !== null) this.send({ type: action });
    if (this.status.role === "control") this.#keyboard.focus();
  }

  /** Offers a text of the desk for a click. @param {string | null} text  null: none */
  #offer(text) {
    this.#offered = text;
    this.#notices.offer(text !== null);
  }

  async #takeOffer() {
    if (this.#offered !== null && (await this.#clipboard.write(this.#offered))) this.#offer(null);
  }

  /**
   * Returns where the picture is.
   *
   * @param {boolean} isClient  true: in client coordinates; false: within the surface
   */
  #picture(isClient) {
    const { left, top, width, height } = this.#surface.getBoundingClientRect();
    const box = { x: isClient ? left : 0, y: isClient ? top : 0, width, height };
    return letterbox(box, this.#size.width, this.#size.height);
  }
}

/** @template {HTMLElement} E @param {ShadowRoot} root @param {string} selector @returns {E} */
function part(root, selector) {
  return /** @type {E} */ (root.querySelector(selector));
}
