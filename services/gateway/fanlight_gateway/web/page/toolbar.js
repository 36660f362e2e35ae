// @ts-check
/**
 * The toolbar over a desk: the mode, the keyboard of a phone, the clipboard, the statistics and the
 * full screen. Lives in the page; owns their elements.
 *
 * @import { FanlightView, ViewState } from "../element/fanlight-view.js"
 * @import { Mode } from "../session/fallback.js"
 */

import { icon } from "../element/icons.js";
import { isFresh } from "../element/status-text.js";
import { element } from "./dom.js";
import { rememberMode } from "./preferences.js";
import { statsRows } from "./statistics.js";
import { toast } from "./toast.js";

// Only Chromium has Keyboard.lock. Other browsers keep their own keys.
/** @type {{ lock?: () => Promise<void>, unlock?: () => void } | undefined} */
const keyboardLock = /** @type {any} */ (navigator).keyboard;

/** Makes the buttons act on this view. @param {FanlightView} view */
export function wireToolbar(view) {
  const mode = /** @type {HTMLSelectElement} */ (element("mode"));
  mode.value = view.mode;
  mode.onchange = () => {
    view.mode = /** @type {Mode} */ (mode.value);
    rememberMode(view.mode);
  };
  for (const [id, name] of /** @type {const} */ ([
    ["keyboard", "keyboard"],
    ["paste", "paste"],
    ["stats-toggle", "stats"],
    ["fullscreen", "fullscreen"],
  ])) {
    element(id).prepend(icon(name));
  }
  // Only the keyboard of a phone has to be called up.
  element("keyboard").hidden = !matchMedia("(pointer: coarse)").matches;
  element("keyboard").onclick = () => {
    element("keyboard").ariaPressed = String(view.toggleKeyboard());
  };
  element("paste").hidden = !navigator.clipboard?.readText;
  element("paste").onclick = () => void paste(view);
  const stats = element("stats");
  element("stats-toggle").onclick = () => {
    stats.hidden = !stats.hidden;
    element("stats-toggle").ariaExpanded = String(!stats.hidden);
    showStats(view);
  };
  const stage = element("stage");
  element("fullscreen").hidden = !document.fullscreenEnabled;
  element("fullscreen").onclick = () => void toggleFullscreen(stage, view);
  document.addEventListener("fullscreenchange", () => {
    const isFull = document.fullscreenElement === stage;
    element("fullscreen").ariaPressed = String(isFull);
    if (!isFull) keyboardLock?.unlock?.();
  });
}

/**
 * Shows the state: as a text beside the buttons, and by the buttons that are of use.
 *
 * @param {ViewState} state
 */
export function showInToolbar({ status, role, tone, text }) {
  const connection = element("connection");
  connection.className = `connection ${tone}`;
  // <fanlight-view> reads the text out to screen readers, and has the button for the click.
  connection.textContent = connection.title = text.replace(/ Click to .*$/, "");
  const isViewer = role === "view";
  element("view-only").hidden = !isViewer;
  const paste = /** @type {HTMLButtonElement} */ (element("paste"));
  paste.hidden = isViewer || !navigator.clipboard?.readText;
  paste.disabled = role !== "control" || !isFresh({ ...status, video: null });
  /** @type {HTMLSelectElement} */ (element("mode")).disabled = status.problem !== null;
  element("hint").hidden = isViewer;
}

/** Fills the statistics, if they are shown. @param {FanlightView} view */
export function showStats(view) {
  if (element("stats").hidden) return;
  const rows = view.stats ? statsRows(view.stats) : [];
  element("stats")
    .querySelector("dl")
    ?.replaceChildren(
      ...rows.flatMap(([name, value]) => {
        const term = document.createElement("dt");
        term.textContent = name;
        const description = document.createElement("dd");
        description.textContent = value;
        return [term, description];
      }),
    );
}

/** Enters or leaves the full screen. @param {HTMLElement} stage @param {FanlightView} view */
async function toggleFullscreen(stage, view) {
  if (document.fullscreenElement) {
    await document.exitFullscreen();
    return;
  }
  await stage.requestFullscreen({ navigationUI: "hide" });
  view.focus();
  toast("Hold Esc to leave the full screen.");
  // With the lock, Esc, Alt+Tab and the like go to the desk. Holding Esc still leaves.
  await keyboardLock?.lock?.();
}

/** Copies this browser's clipboard to the desk's. @param {FanlightView} view */
async function paste(view) {
  try {
    view.copyToDesk(await navigator.clipboard.readText());
    toast("Copied to the desk's clipboard.");
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    toast(
      "The browser did not allow reading the clipboard. Click the desk and press " +
        "Ctrl+V (⌘V on a Mac), or allow it for this page, beside its address.",
    );
  }
  view.focus();
}
