// @ts-check
/**
 * The element `<fanlight-view desk="main" src="/" mode="automatic">`, which shows a desk in a page.
 * Lives in the page; owns the attributes, the public properties and the events. desk-view.js shows
 * the desk.
 *
 * Attributes, each also a property: `desk`; `src`, the gateway's base URL (default: the document's
 * base); `mode`: `automatic`, `video` (it never falls back) or `screenshots`. And `pointerlock`: a
 * click locks the pointer, for programs that want its movement only.
 *
 * Events: `state` (detail: ViewState, when it changes), `stats` (twice a second), `leave`
 * (Ctrl+Alt+Shift+K: the keyboard belongs to the page again), `notice` (the gateway refused
 * something).
 *
 * @import { Mode } from "../session/fallback.js"
 * @import { Stats, Status } from "../session/reports.js"
 * @import { FirstScreenshot } from "../screenshots/first-screenshot.js"
 * @import { StatusText } from "./status-text.js"
 * @import { StartCommand } from "./worker-host.js"
 *
 * @typedef {StatusText & { role: string | null, status: Status }} ViewState
 */

import { DeskView } from "./desk-view.js";
import { Notices } from "./notices.js";
import { describeStatus, INITIAL_STATUS } from "./status-text.js";
import { style } from "./style.js";
import { TEMPLATE } from "./template.js";

const MODES = ["automatic", "video", "screenshots"];

export class FanlightView extends HTMLElement {
  static observedAttributes = ["desk", "src", "mode"];

  /**
   * A first screenshot of the desk that the page has asked for already; null: the worker asks for
   * one. It is used when the view is put into the page.
   *
   * @type {Promise<FirstScreenshot | null> | null}
   */
  firstScreenshot = null;
  /**
   * The viewer's name: random, and the same for every connection. A second connection of this name
   * replaces the first one.
   */
  #viewer = randomId();
  /** Null: no desk is shown. @type {DeskView | null} */
  #view = null;
  /** Whether the browser is too old to show a desk. */
  #isTooOld = false;

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

  /** The newest statistics; null before the first ones. @returns {Readonly<Stats> | null} */
  get stats() {
    return this.#view?.stats ?? null;
  }

  /** The state of connection, desk and video. @returns {ViewState} */
  get state() {
    /** @type {Status} */
    const initial = { ...INITIAL_STATUS, problem: this.#isTooOld ? "too-old" : null };
    const status = this.#view?.status ?? initial;
    const text = this.#view?.text ?? describeStatus(initial);
    return Object.freeze({ ...text, role: status.role, status });
  }

  /** Tries video again after it was locked, because a person wants it. */
  retry() {
    this.#view?.send({ type: "retry" });
  }

  /** Connects now, because a person does not want to wait for the next try. */
  reconnect() {
    this.#view?.send({ type: "reconnect" });
  }

  /** Returns what is on the canvas, as PNG. @returns {Promise<Blob>} */
  snapshot() {
    return this.#view?.snapshot() ?? Promise.reject(new Error("not connected to a desk"));
  }

  /** Puts a text onto the desk's clipboard. @param {string} text */
  copyToDesk(text) {
    this.#view?.copyToDesk(text);
  }

  /**
   * Shows or hides a phone's own keyboard.
   *
   * @param {boolean} [shown]  undefined: the other of both
   * @returns whether it is shown now
   */
  toggleKeyboard(shown) {
    const keyboard = this.#keyboard;
    if (!keyboard) return false;
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
      this.#view?.send({ type: "mode", mode: this.mode });
    } else {
      this.#stop();
      this.#start();
    }
  }

  /**
   * The text area that gets the keys; null: no desk is shown.
   *
   * @returns {HTMLTextAreaElement | null}
   */
  get #keyboard() {
    return /** @type {ShadowRoot} */ (this.shadowRoot).querySelector("textarea");
  }

  #start() {
    if (!this.desk || this.#view) return;
    const root = /** @type {ShadowRoot} */ (this.shadowRoot);
    this.#isTooOld = typeof OffscreenCanvas !== "function";
    if (this.#isTooOld) {
      root.innerHTML = TEMPLATE;
      const { state } = this;
      const events = { onaction: () => undefined, ontakeoffer: () => undefined };
      new Notices(root, events).show(state, state.status);
      this.#dispatchState();
      return;
    }
    const { firstScreenshot } = this;
    // The screenshot is the first picture of this start only.
    this.firstScreenshot = null;
    this.#view = new DeskView({
      root,
      command: () => this.#startCommand(),
      firstScreenshot,
      locksPointer: () => this.hasAttribute("pointerlock"),
      dispatch: (event) => this.dispatchEvent(event),
      // The first state is dispatched below, when this element's properties are those of the view.
      onstate: () => this.#view && this.#dispatchState(),
    });
    this.#dispatchState();
  }

  /** @returns {StartCommand} */
  #startCommand() {
    return {
      type: "start",
      base: this.src,
      desk: this.desk,
      viewer: this.#viewer,
      mode: this.mode,
      visible: document.visibilityState === "visible",
    };
  }

  #stop() {
    this.#view?.stop();
    this.#view = null;
  }

  #dispatchState() {
    this.dispatchEvent(new CustomEvent("state", { detail: this.state }));
  }
}

function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

customElements.define("fanlight-view", FanlightView);
