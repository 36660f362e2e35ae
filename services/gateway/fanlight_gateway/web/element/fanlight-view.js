// @ts-check
/**
 * `<fanlight-view desk="main" src="/" mode="automatic">`: a desk in a page. Lives in the page; owns
 * the shadow DOM, the canvas, and the worker that does the work.
 *
 * Attributes, each also a property: `desk`; `src`, the gateway's base URL (default: the document's
 * base); `mode`: `automatic`, `video` (never falls back) or `screenshots`; `pointerlock`: a click
 * takes the pointer, for programs that want its movement only.
 *
 * Events: `state` (detail: Words, role and status, when they change), `stats` (twice a second),
 * `leave` (Ctrl+Alt+Shift+K: the keyboard belongs to the page again), `notice` (the gateway refused
 * something).
 *
 * @import { Command, Report } from "../session/worker.js"
 * @import { Mode } from "../session/fallback.js"
 * @import { Stats } from "../session/session.js"
 * @import { Still } from "../screenshots/first-screenshot.js"
 * @import { Drawn, Order } from "./canvas.js"
 * @import { Status, Words } from "./status-text.js"
 *
 * @typedef {Words & { role: string | null, status: Status }} ViewState
 */

import { ClipboardBridge } from "../input/clipboard.js";
import { letterbox } from "./geometry.js";
import { icon } from "./icons.js";
import { Input } from "../input/input.js";
import { DeskPointer } from "./cursor.js";
import { discard, Surface } from "./canvas.js";
import { style } from "./style.js";
import { TEMPLATE } from "./template.js";
import { describe, INITIAL_STATUS, isFresh, kind, lacksEncoder, mayBeSeen } from "./status-text.js";

const MODES = ["automatic", "video", "screenshots"];
/** A worker whose files do not come is started again so often, after a pause that doubles (ms). */
const WORKER_TRIES = 5;
const WORKER_PAUSE_MS = 300;

export class FanlightView extends HTMLElement {
  static observedAttributes = ["desk", "src", "mode"];

  /** Random, and the same over every reconnect: a second socket of it replaces the first. */
  #viewer = randomId();
  /** @type {Worker | null} */
  #worker = null;
  /** @type {Surface | null} */
  #surface = null;
  /** @type {Input | null} */
  #input = null;
  /** @type {DeskPointer | null} */
  #pointer = null;
  #clipboard = new ClipboardBridge(
    (text) => this.#command({ type: "control", message: { type: "Clipboard", text } }),
    (text) => this.#offer(text),
  );
  /**
   * A first picture of the desk that the page has asked for already; else the worker asks. Counts when
   * the view is put into the page.
   *
   * @type {Promise<Still | null> | null}
   */
  still = null;
  #cleanup = new AbortController();
  #size = { width: 0, height: 0 };
  /** @type {Status | null} */
  #status = null;
  /** @type {Words} */
  #words = describe(INITIAL_STATUS);
  /** @type {Readonly<Stats> | null} */
  #stats = null;
  /** @type {string | null} */
  #offered = null;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open", delegatesFocus: true });
    root.adoptedStyleSheets = [style];
  }

  get desk() {
    return this.getAttribute("desk") ?? "";
  }

  set desk(name) {
    this.setAttribute("desk", name);
  }

  get src() {
    return new URL(this.getAttribute("src") ?? "", document.baseURI).href;
  }

  set src(url) {
    this.setAttribute("src", url);
  }

  /** @returns {Mode} */
  get mode() {
    const mode = this.getAttribute("mode") ?? "";
    return MODES.includes(mode) ? /** @type {Mode} */ (mode) : "automatic";
  }

  set mode(mode) {
    this.setAttribute("mode", mode);
  }

  /** The figures, twice a second; null before there are any. @returns {Readonly<Stats> | null} */
  get stats() {
    return this.#stats;
  }

  /** How things stand, in words. @returns {ViewState} */
  get state() {
    const status = this.#status ?? INITIAL_STATUS;
    return Object.freeze({ ...this.#words, role: status.role, status });
  }

  /** A person wants video again. */
  retry() {
    this.#command({ type: "retry" });
  }

  /** A person does not want to wait for the next try. */
  reconnect() {
    this.#command({ type: "reconnect" });
  }

  /** What is painted, as PNG. @returns {Promise<Blob>} */
  snapshot() {
    if (!this.#surface) return Promise.reject(new Error("not connected to a desk"));
    return this.#surface.snapshot();
  }

  /** Puts a text on the desk's clipboard. @param {string} text */
  copyToDesk(text) {
    this.#clipboard.toDesk(text);
  }

  /** Shows or hides a phone's own keyboard. @param {boolean} [shown] */
  toggleKeyboard(shown) {
    const keyboard = this.#keyboard;
    const show = shown ?? keyboard.inputMode !== "text";
    keyboard.inputMode = show ? "text" : "none";
    keyboard.blur();
    if (show) keyboard.focus();
    return show;
  }

  /** @override @param {FocusOptions} [options] */
  focus(options) {
    this.#keyboard?.focus(options);
  }

  connectedCallback() {
    this.#start();
  }

  disconnectedCallback() {
    this.#stop();
  }

  /** @param {string} name @param {string | null} before @param {string | null} after */
  attributeChangedCallback(name, before, after) {
    if (!this.isConnected || before === after) return;
    if (name === "mode") {
      this.#command({ type: "mode", mode: this.mode });
    } else {
      this.#stop();
      this.#start();
    }
  }

  /** @template {HTMLElement} E @param {string} selector @returns {E} */
  #part(selector) {
    const root = /** @type {ShadowRoot} */ (this.shadowRoot);
    return /** @type {E} */ (root.querySelector(selector));
  }

  /** @returns {HTMLTextAreaElement} */
  get #keyboard() {
    return this.#part("textarea");
  }

  #start() {
    if (!this.desk || this.#worker) return;
    // Each start has a canvas of its own: nothing of another desk is left on it.
    /** @type {ShadowRoot} */ (this.shadowRoot).innerHTML = TEMPLATE;
    this.#size = { width: 0, height: 0 };
    this.#cleanup = new AbortController();
    const surface = this.#part(".surface");
    surface.setAttribute("aria-label", `Desk ${this.desk}`);
    this.#keyboard.setAttribute("aria-label", `Keyboard of the desk ${this.desk}`);
    /** @type {HTMLCanvasElement} */
    const canvas = this.#part("canvas");
    this.#part(".action").onclick = () => this.#act();
    this.#part(".offer").onclick = () => this.#takeOffer();
    if (typeof OffscreenCanvas !== "function") {
      this.#show({ ...INITIAL_STATUS, problem: "too-old" });
      return;
    }
    this.#surface = new Surface(canvas);
    // A GPU that failed took the picture with it.
    canvas.addEventListener("contextrestored", () => {
      this.#command({ type: "control", message: { type: "RequestIdr" } });
    });
    this.#startWorker();
    const image = /** @type {HTMLImageElement} */ (this.#part("img"));
    this.#pointer = new DeskPointer(surface, image, () => this.#picture(surface, false));
    this.#input = new Input({
      surface,
      keyboard: this.#keyboard,
      clipboard: this.#clipboard,
      picture: () => this.#picture(surface, true),
      desk: () => (this.#size.width ? this.#size : { width: 1, height: 1 }),
      send: (messages) => this.#command({ type: "input", messages }),
      control: (message) => this.#command({ type: "control", message }),
      onleave: () => this.dispatchEvent(new CustomEvent("leave")),
      onlocal: (isLocal) => this.#pointer?.setLocal(isLocal),
    });
    this.#watch(surface);
    this.#show(INITIAL_STATUS);
  }

  /** @param {number} [failures] so many workers in a row were never heard of */
  #startWorker(failures = 0) {
    const worker = new Worker(new URL("../session/worker.js", import.meta.url), { type: "module" });
    let heard = false;
    worker.onmessage = ({ data }) => {
      heard = true;
      if (worker === this.#worker) this.#hear(data);
      else if (data.type === "draw") discard(data.orders);
    };
    worker.onerror = () => {
      if (worker !== this.#worker) return;
      if (heard || failures === WORKER_TRIES) {
        this.#show({ ...INITIAL_STATUS, problem: "broken" });
        return;
      }
      // One of its files did not come: a browser whose network changes fails all that is on its way.
      worker.terminate();
      setTimeout(
        () => worker === this.#worker && this.#startWorker(failures + 1),
        WORKER_PAUSE_MS * 2 ** failures,
      );
    };
    this.#worker = worker;
    const still = this.still;
    // Once: it is no first one for a worker that comes later.
    this.still = null;
    /** @type {Command} */
    const start = {
      type: "start",
      base: this.src,
      desk: this.desk,
      viewer: this.#viewer,
      mode: this.mode,
      visible: isVisible(),
      bringsStill: still !== null,
    };
    worker.postMessage(start);
    void still?.then((picture) => {
      // The worker, which sends it back to be drawn and counts it, may not be up yet.
      if (picture && worker === this.#worker) this.#surface?.preview(picture.bitmap);
      /** @type {Command} */
      const command = { type: "first-still", still: picture };
      worker.postMessage(command, picture ? [picture.bitmap] : []);
    });
  }

  /** @param {HTMLElement} surface */
  #watch(surface) {
    const { signal } = this.#cleanup;
    const onvisible = () => {
      if (isVisible()) this.#input?.announce();
      else this.#input?.release();
      this.#command({ type: "visible", visible: isVisible() });
    };
    document.addEventListener("visibilitychange", onvisible, { signal });
    addEventListener("pagehide", () => this.#input?.release(), { signal });
    addEventListener("online", () => this.#wake(), { signal });
    const resized = new ResizeObserver(() => this.#pointer?.update());
    resized.observe(surface);
    signal.addEventListener("abort", () => resized.disconnect());
    surface.addEventListener(
      "click",
      () => {
        if (this.hasAttribute("pointerlock") && !document.pointerLockElement) {
          void surface.requestPointerLock();
        }
      },
      { signal },
    );
  }

  #wake() {
    if (this.#status?.connection === "waiting") this.reconnect();
  }

  #stop() {
    this.#cleanup.abort();
    this.#input?.stop();
    this.#command({ type: "stop" });
    this.#worker = null;
    this.#surface = null;
    this.#input = null;
    this.#pointer = null;
    this.#status = null;
    this.#stats = null;
  }

  /** @param {Command} command @param {Transferable[]} [transfer] */
  #command(command, transfer = []) {
    this.#worker?.postMessage(command, transfer);
  }

  /** @param {Order[]} orders */
  #draw(orders) {
    if (!this.#surface) return;
    /** @type {Drawn} */
    let drawn = { at_ms: null, buffers: [] };
    try {
      drawn = this.#surface.draw(orders);
    } finally {
      // An error is the page's, but the worker waits for an answer.
      this.#command({ type: "drawn", drawn }, drawn.buffers);
    }
  }

  /** @param {Report} report */
  #hear(report) {
    switch (report.type) {
      case "draw":
        this.#draw(report.orders);
        break;
      case "status":
        this.#show(report.status);
        break;
      case "stats":
        this.#stats = Object.freeze(report.stats);
        this.dispatchEvent(new CustomEvent("stats", { detail: this.#stats }));
        break;
      case "size":
        this.#size = { width: report.width, height: report.height };
        this.#pointer?.update();
        break;
      case "pointer-position":
        this.#pointer?.setPosition(report.x, report.y);
        break;
      case "pointer-shape":
        this.#pointer?.setShape(report.shape);
        break;
      case "clipboard":
        void this.#clipboard.fromDesk(report.text);
        break;
      case "gateway-error": {
        const { code, message } = report;
        if (code === "desk_away" || code === "view_only") this.#clipboard.forget();
        this.dispatchEvent(new CustomEvent("notice", { detail: { code, message } }));
        break;
      }
    }
  }

  /** @param {Status} status */
  #show(status) {
    const before = this.#status;
    const words = describe(status);
    this.#status = status;
    // Before the focus is announced, which may bring the clipboard along.
    if (before?.connection !== status.connection || before.desk !== status.desk) {
      this.#clipboard.forget();
    }
    const mayAct = status.role === "control" && status.connection === "open";
    this.#input?.setEnabled(mayAct);
    const didOpen = before?.connection !== "open" || before.role !== status.role;
    if (mayAct && didOpen) this.#input?.announce();
    // Whoever watches only has no use for a stop of the Tab key that takes no keys.
    this.#keyboard.tabIndex = status.role === "view" ? -1 : 0;
    const { classList } = this.#part(".surface");
    classList.toggle("old", status.painted && !isFresh(status));
    classList.toggle("between", status.connection === "open" && lacksEncoder(status));
    classList.toggle("barred", !mayBeSeen(status));
    const { text, quiet } = this.#words;
    if (!before || words.text !== text || words.quiet !== quiet || before.role !== status.role) {
      this.#say(words, status);
      this.dispatchEvent(new CustomEvent("state", { detail: this.state }));
    }
  }

  /** @param {Words} words @param {Status} status */
  #say(words, status) {
    const isSame = kind(words) === kind(this.#words) && this.#part(".live").textContent !== "";
    this.#words = words;
    // A countdown is for the eye; it is read out once.
    if (!isSame) this.#part(".live").textContent = words.text;
    const action = this.#part(".action");
    const label = this.#part(".words");
    action.hidden = words.action === null;
    label.hidden = words.action !== null || words.quiet;
    const shown = words.action ? action : label;
    shown.className = `pill ${words.action ? "action" : "words"} ${words.tone}`;
    shown.replaceChildren(icon(words.tone), words.text);
    this.#part(".notices").classList.toggle("middle", !status.painted || !mayBeSeen(status));
  }

  #act() {
    switch (this.#words.action) {
      case "retry":
        this.retry();
        break;
      case "reconnect":
        this.reconnect();
        break;
      case "reload":
        location.reload();
        break;
    }
    if (this.#status?.role === "control") this.focus();
  }

  /** @param {string | null} text */
  #offer(text) {
    this.#offered = text;
    const offer = this.#part(".offer");
    if (!offer) return;
    offer.hidden = text === null;
    offer.replaceChildren(icon("copy"), "Copy the text from the desk");
  }

  async #takeOffer() {
    if (this.#offered !== null && (await this.#clipboard.write(this.#offered))) this.#offer(null);
  }

  /**
   * Where the picture is, in client coordinates or within the surface.
   *
   * @param {HTMLElement} surface
   * @param {boolean} isClient
   */
  #picture(surface, isClient) {
    const { left, top, width, height } = surface.getBoundingClientRect();
    const box = { x: isClient ? left : 0, y: isClient ? top : 0, width, height };
    return letterbox(box, this.#size.width, this.#size.height);
  }
}

function isVisible() {
  return document.visibilityState === "visible";
}

function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

customElements.define("fanlight-view", FanlightView);
