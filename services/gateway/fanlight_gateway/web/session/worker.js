// @ts-check
/**
 * The worker's entry: it passes the page's commands to the session, and the session's reports to
 * the page. Lives in the worker; owns the Session. It decides nothing, and drops the commands that
 * come before `start`.
 *
 * The worker does everything between the connection and the pixels: it parses, gates and decodes,
 * and it sends input, pings and acknowledgements. The page only puts pixels onto its canvas
 * (canvas.js), so a busy page delays nothing else. Commands and reports are plain objects.
 *
 * @import { InputMessage, PointerShape } from "../protocol/binary.js"
 * @import { ViewerControl } from "../protocol/control.js"
 * @import { Mode } from "./fallback.js"
 * @import { FirstScreenshot } from "../screenshots/first-screenshot.js"
 * @import { Stats, Status } from "./reports.js"
 * @import { Drawing, DrawResult } from "../painting/drawing.js"
 *
 * @typedef {{ type: "start", base: string, desk: string, viewer: string,
 *     mode: Mode, visible: boolean, bringsScreenshot: boolean }
 *   | { type: "first-screenshot", screenshot: FirstScreenshot | null }
 *   | { type: "input", messages: InputMessage[] }
 *   | { type: "control", message: ViewerControl }
 *   | { type: "mode", mode: Mode }
 *   | { type: "retry" }
 *   | { type: "reconnect" }
 *   | { type: "visible", visible: boolean }
 *   | { type: "drawn", result: DrawResult }
 *   | { type: "stop" }} Command
 *
 * @typedef {{ type: "status", status: Status }
 *   | { type: "stats", stats: Stats }
 *   | { type: "size", width: number, height: number }
 *   | { type: "pointer-position", x: number, y: number }
 *   | { type: "pointer-shape", shape: PointerShape }
 *   | { type: "clipboard", text: string }
 *   | { type: "gateway-error", code: string, message: string }
 *   | { type: "draw", drawings: Drawing[] }} Report
 *
 * bringsScreenshot: whether the page has asked for a first screenshot, which it sends as
 * `first-screenshot`. draw: the page answers with `drawn`.
 */

import { Session } from "./session.js";

/**
 * @typedef {{ postMessage: (report: Report, transfer: Transferable[]) => void, close: () => void,
 *   onmessage: ((event: MessageEvent<Command>) => void) | null }} Scope
 */
const scope = /** @type {Scope} */ (/** @type {unknown} */ (self));

/** @type {Session | null} */
let session = null;

scope.onmessage = ({ data: command }) => {
  if (command.type === "start") {
    session = new Session(command, (report, transfer = []) => {
      scope.postMessage(report, transfer);
    });
    session.start().catch((/** @type {unknown} */ error) => {
      // Nothing awaits this promise. The error goes to the worker's onerror, which tells the page.
      setTimeout(() => {
        throw error;
      });
    });
    return;
  }
  switch (command.type) {
    case "first-screenshot":
      session?.bringFirstScreenshot(command.screenshot);
      break;
    case "input":
      session?.input(command.messages);
      break;
    case "control":
      session?.control(command.message);
      break;
    case "mode":
      session?.event({ type: "mode", mode: command.mode });
      break;
    case "retry":
      session?.event({ type: "click" });
      break;
    case "reconnect":
      session?.reconnect();
      break;
    case "visible":
      session?.event({ type: "visible", visible: command.visible });
      break;
    case "drawn":
      session?.drawn(command.result);
      break;
    case "stop":
      session?.stop();
      scope.close();
      break;
  }
};
