// @ts-check
/**
 * Tells the gateway, which counts the reasons, why the page left video by itself. Lives in the
 * worker. While the connection is not open, it keeps the newest reason, and drops older ones.
 *
 * @import { ViewerControl } from "../protocol/control.js"
 * @import { Fallback, FallbackEvent } from "./fallback.js"
 *
 * @typedef {{ readonly state: string, sendControl: (message: ViewerControl) => void }} Connection
 */

export class FallbackReport {
  /** @type {Connection} */
  #connection;
  /** The reason that the gateway has not been told. @type {string | null} */
  #untold = null;

  /** @param {Connection} connection */
  constructor(connection) {
    this.#connection = connection;
  }

  /**
   * Notes a step of the fallback machine. Tells the reason now if the connection is open.
   *
   * @param {Fallback} before
   * @param {FallbackEvent} event
   * @param {Fallback} after
   */
  stepped(before, event, after) {
    this.#untold = fallbackReason(before, event, after) ?? this.#untold;
    if (this.#untold === null || this.#connection.state !== "open") return;
    this.#connection.sendControl({ type: "FellBack", reason: this.#untold });
    this.#untold = null;
  }
}

/**
 * Returns why this step left video by itself.
 *
 * @param {Fallback} before
 * @param {FallbackEvent} event
 * @param {Fallback} after
 * @returns {string | null} null if it did not leave video, or if a person chose to
 */
export function fallbackReason(before, event, after) {
  if (after.state === before.state) return null;
  if (after.state !== "locked" && after.state !== "no-decoder") return null;
  if (after.reason !== "network") return after.reason;
  if (event.type === "silent") return "silence";
  return event.type === "age" ? "age" : "rtt";
}
