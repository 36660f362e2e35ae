// @ts-check
/**
 * The page: signs in, lists the desks, and puts the chosen one (`?desk=main`) under a toolbar, or
 * says why it cannot (refusal.js).
 *
 * @import { Desk } from "./api.js"
 * @import { ViewState } from "../element/fanlight-view.js"
 * @import { Mode } from "../session/fallback.js"
 * @import { Refusal } from "./refusal.js"
 * @import { Started } from "./start.js"
 */

import { ApiError, listDesks, signIn, thumbnailUrl } from "./api.js";
import { FanlightView } from "../element/fanlight-view.js";
import { icon } from "../element/icons.js";
import { CloseCode } from "../protocol/binary.js";
import { FOREIGN, refusal } from "./refusal.js";
import { rememberedMode, rememberMode } from "./preferences.js";
import { statsRows } from "./statistics.js";
import { isFresh } from "../element/status-text.js";

const started = /** @type {{ fanlight: Started }} */ (/** @type {unknown} */ (globalThis)).fanlight;
const { token, signedIn } = started;

const TOAST_MS = 6000;
/** After which it looks again where there is nothing, or nobody answers. */
const AGAIN_MS = 2000;
/** @type {Record<string, string>} */
const DESK_STATES = { live: "", away: "Away", gone: "Gone" };
// Keyboard.lock is Chromium's; elsewhere the browser keeps its own keys.
/** @type {{ lock?: () => Promise<void>, unlock?: () => void } | undefined} */
const keyboardLock = /** @type {any} */ (navigator).keyboard;

/** @template {HTMLElement} E @param {string} id @returns {E} */
function element(id) {
  return /** @type {E} */ (document.getElementById(id));
}

async function main() {
  try {
    // What went wrong before this code was there may go well now.
    if (token !== null) await signedIn?.catch(() => signIn(token));
    const chosen = new URLSearchParams(location.search).get("desk");
    // Whoever has just been let in is shown the desk; its connection says what stands against it.
    if (chosen && token !== null) {
      showDesk(chosen);
      return;
    }
    const desks = await listDesks();
    if (chosen) showDesk(chosen);
    else if (desks.length === 1) showDesk(desks[0].name);
    else showList(desks);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    showError(error);
  }
}

/** @param {string} title @param {...(string | Node)} content */
function showPage(title, ...content) {
  const page = element("page");
  const heading = document.createElement("h1");
  heading.textContent = title;
  page.replaceChildren(heading, ...content);
  page.hidden = false;
}

/** @param {...(string | Node)} content */
function paragraph(...content) {
  const p = document.createElement("p");
  p.append(...content);
  return p;
}

/** @param {ApiError} error */
function showError(error) {
  if (error.status === 401) {
    showPage(
      token === null ? "Sign in with a link" : "This link is not valid",
      wantLink(token === null ? "" : "It may have expired, or be for another gateway. "),
    );
    return;
  }
  if (error.status === 403) {
    showPage(FOREIGN.title, paragraph(FOREIGN.text));
    return;
  }
  const text = `${capital(error.message)}. This page tries again by itself.`;
  showPage("The gateway cannot be reached", paragraph(text));
  setTimeout(() => void main(), AGAIN_MS);
}

/** @param {string} before */
function wantLink(before) {
  const command = document.createElement("code");
  command.textContent = "fanlight token";
  return paragraph(
    before,
    "Open a link that ",
    command,
    " prints, or ask whoever runs this gateway for one.",
  );
}

/** @param {Desk[]} desks */
function showList(desks) {
  if (desks.length === 0) {
    const text = "None is running that you may see. This page looks again by itself.";
    showPage("No desks", paragraph(text));
    setTimeout(() => void main(), AGAIN_MS);
    return;
  }
  showPage("Desks", paragraph("Choose one to open it."), deskList(desks));
}

/** @param {Desk[]} desks */
function deskList(desks) {
  const list = document.createElement("ul");
  list.className = "desks";
  list.append(...desks.map(deskCard));
  return list;
}

/** @param {Desk} desk */
function deskCard(desk) {
  const item = document.createElement("li");
  const link = document.createElement("a");
  link.href = `?desk=${encodeURIComponent(desk.name)}`;
  const thumb = document.createElement("div");
  thumb.className = "thumb";
  const image = document.createElement("img");
  image.alt = "";
  image.loading = "lazy";
  image.onerror = () => thumb.replaceChildren(icon("desk"));
  image.src = thumbnailUrl(desk.name);
  thumb.append(image);
  const caption = document.createElement("div");
  caption.className = "caption";
  const name = document.createElement("b");
  name.textContent = desk.name;
  const size = document.createElement("span");
  size.textContent = DESK_STATES[desk.state] || `${desk.width} × ${desk.height}`;
  caption.append(name, size);
  link.append(thumb, caption);
  item.append(link);
  return item;
}

/** @param {string} desk */
function showDesk(desk) {
  document.title = `${desk} · fanlight`;
  element("page").hidden = true;
  element("desk-name").textContent = element("desk-name").title = desk;
  for (const id of ["desk-name", "connection", "tools", "stage"]) element(id).hidden = false;
  const view = new FanlightView();
  view.desk = desk;
  view.mode = rememberedMode();
  view.still = started.still;
  element("stage").prepend(view);
  wireToolbar(view);
  view.addEventListener("state", (event) => {
    showState(view, /** @type {CustomEvent<ViewState>} */ (event).detail);
  });
  showState(view, view.state);
  view.addEventListener("stats", () => {
    if (!element("stats").hidden) showStats(view);
  });
  view.addEventListener("notice", (event) => {
    toast(/** @type {CustomEvent<{ message: string }>} */ (event).detail.message);
  });
  view.addEventListener("leave", () => {
    element("mode").focus();
    toast("The keyboard is with this page again. Click the desk to give it back.");
  });
  view.focus();
}

/** @param {FanlightView} view */
function wireToolbar(view) {
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
  // A phone's keyboard has to be called; every other one is there.
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

/** @param {HTMLElement} stage @param {FanlightView} view */
async function toggleFullscreen(stage, view) {
  if (document.fullscreenElement) {
    await document.exitFullscreen();
    return;
  }
  await stage.requestFullscreen({ navigationUI: "hide" });
  view.focus();
  toast("Hold Esc to leave the full screen.");
  // With it, Esc, Alt+Tab and the like go to the desk; holding Esc still leaves.
  await keyboardLock?.lock?.();
}

/** @param {FanlightView} view */
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

/** @param {FanlightView} view @param {ViewState} state */
function showState(view, state) {
  const { status } = state;
  const connection = element("connection");
  connection.className = `connection ${state.tone}`;
  // The component reads the words out; here they are for the eye, and clicks belong to its button.
  connection.textContent = connection.title = state.text.replace(/ Click to .*$/, "");
  const isViewer = state.role === "view";
  element("view-only").hidden = !isViewer;
  const paste = /** @type {HTMLButtonElement} */ (element("paste"));
  paste.hidden = isViewer || !navigator.clipboard?.readText;
  paste.disabled = state.role !== "control" || !isFresh({ ...status, video: null });
  /** @type {HTMLSelectElement} */ (element("mode")).disabled = status.problem !== null;
  element("hint").hidden = isViewer;
  lookedFor++;
  const isRefused = describeRefusal(view, state, null) !== null;
  for (const id of ["connection", "tools", "stage"]) element(id).hidden = isRefused;
  if (isRefused) {
    void refuse(view, state, lookedFor);
  } else if (!element("page").hidden) {
    element("page").hidden = true;
    view.focus();
  }
}

/** How often the desk's state has changed: what was begun before is no more of use. */
let lookedFor = 0;

/** @param {FanlightView} view @param {ViewState} state @param {Desk[] | null} desks */
function describeRefusal(view, { status }, desks) {
  if (status.connection !== "closed") return null;
  const hasSignedIn = token !== null && status.role === null;
  return refusal({ closeCode: status.closeCode, desk: view.desk, desks, hasSignedIn });
}

/**
 * In place of the desk: why it is not to be seen, and those that are. One that is not there yet is
 * looked for again and again.
 *
 * @param {FanlightView} view
 * @param {ViewState} state
 * @param {number} mine  the `lookedFor` that this is about
 * @param {string | null} [shown]  what it shows already
 */
async function refuse(view, state, mine, shown = null) {
  const { closeCode } = state.status;
  // Before anything else: what is not within the full screen cannot get the focus. It rejects where
  // a person was quicker.
  if (document.fullscreenElement) await document.exitFullscreen().catch(() => {});
  const desks = closeCode === CloseCode.UNAUTHORIZED ? null : await listIfThere();
  if (mine !== lookedFor) return;
  const isMissing = closeCode === CloseCode.NO_SUCH_DESK;
  if (isMissing && shown !== null && desks?.some(({ name }) => name === view.desk)) {
    view.reconnect();
    return;
  }
  const found = JSON.stringify(desks);
  // Anew only where it is another list: no picture in it flickers.
  if (found !== shown) {
    const { title, text, wantsLink } = /** @type {Refusal} */ (describeRefusal(view, state, desks));
    const words = wantsLink ? wantLink(text) : paragraph(text);
    showPage(title, words, ...(desks?.length ? [deskList(desks)] : []));
    // The keyboard was with the desk, and a screen reader says where it is now.
    if (shown === null) focusHeading();
  }
  if (isMissing) setTimeout(() => mine === lookedFor && refuse(view, state, mine, found), AGAIN_MS);
}

/** @returns {Promise<Desk[] | null>} */
async function listIfThere() {
  try {
    return await listDesks();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return null;
  }
}

function focusHeading() {
  const heading = /** @type {HTMLElement} */ (element("page").querySelector("h1"));
  heading.tabIndex = -1;
  heading.focus();
}

/** @param {FanlightView} view */
function showStats(view) {
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

/** @type {ReturnType<typeof setTimeout> | undefined} */
let toastTimer;

/** @param {string} text */
function toast(text) {
  const box = element("toast");
  box.textContent = text;
  box.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => {
    box.hidden = true;
  }, TOAST_MS);
}

/** @param {string} text */
function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

void main();
