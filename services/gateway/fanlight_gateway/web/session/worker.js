// @ts-check
/**
 * The worker's composition root: it wires the parts to the page, and decides nothing.
 *
 * It owns the way of the bytes from the socket to pixels (parse, gate, decode) and back (input, pings,
 * acknowledgements), so that a busy page never makes more of the work late than putting pixels down,
 * which is the page's (canvas.js). The page sends commands and gets reports; both are plain objects,
 * below.
 *
 * @import { InputMessage, PointerShape } from "../protocol/binary.js"
 * @import { ViewerControl } from "../protocol/control.js"
 * @import { Mode } from "./fallback.js"
 * @import { Status } from "../element/status-text.js"
 * @import { Still } from "../screenshots/first-screenshot.js"
 * @import { Stats } from "./session.js"
 * @import { Drawn, Order } from "../element/canvas.js"
 *
 * @typedef {{ type: "start", base: string, desk: string, viewer: string,
 *     mode: Mode, visible: boolean, bringsStill: boolean }
 *   | { type: "first-still", still: Still | null }
 *   | { type: "input", messages: InputMessage[] }
 *   | { type: "control", message: ViewerControl }
 *   | { type: "mode", mode: Mode }
 *   | { type: "retry" }
 *   | { type: "reconnect" }
 *   | { type: "visible", visible: boolean }
 *   | { type: "drawn", drawn: Drawn }
 *   | { type: "stop" }} Command
 *
 * @typedef {{ type: "status", status: Status }
 *   | { type: "stats", stats: Stats }
 *   | { type: "size", width: number, height: number }
 *   | { type: "pointer-position", x: number, y: number }
 *   | { type: "pointer-shape", shape: PointerShape }
 *   | { type: "clipboard", text: string }
 *   | { type: "gateway-error", code: string, message: string }
 *   | { type: "draw", orders: Order[] }} Report
 * bringsStill: the page has asked for a first picture, and sends it as first-still.
 * draw: answered by drawn.
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
      // Nothing waits for this promise: the error goes to the worker's onerror, for the page.
      setTimeout(() => {
        throw error;
      });
    });
    return;
  }
  switch (command.type) {
    case "first-still":
      session?.bringStill(command.still);
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
      session?.drawn(command.drawn);
      break;
    case "stop":
      session?.stop();
      scope.close();
      break;
  }
};
