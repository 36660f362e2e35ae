// @ts-check
/**
 * Keeps what the gateway has told about itself, the desk and the video. Lives in the worker. Pure.
 * It outlives connections, and keeps only the newest value of each.
 *
 * @import { GatewayControl } from "../protocol/control.js"
 * @import { Settings } from "../protocol/settings.js"
 * @import { Size } from "../painting/drawing.js"
 */

import { PROTOCOL_VERSION } from "../protocol/constants.js";
import { withDefaults } from "../protocol/settings.js";

/** The renditions that have fewer pixels than the desk. */
const SCALED = ["half", "low"];

export class GatewayState {
  /** @type {Readonly<Settings>} */
  settings = withDefaults();
  /** "control" or "view". @type {string | null} */
  role = null;
  /** "live", "away" or "gone". @type {string | null} */
  deskState = null;
  /** @type {Size | null} */
  deskSize = null;
  /** "live" or "waiting". @type {string | null} */
  videoState = null;
  /** The rendition of the video that comes over this connection. @type {string | null} */
  rendition = null;
  /** Whether the gateway speaks another version of the protocol than this page. */
  isOtherVersion = false;

  /**
   * Keeps what a message says, but not its rendition (see `changeRendition`).
   *
   * @param {GatewayControl} message
   */
  apply(message) {
    switch (message.type) {
      case "Welcome":
        this.settings = withDefaults(message.settings);
        this.role = message.role;
        this.isOtherVersion = message.protocol !== PROTOCOL_VERSION;
        break;
      case "DeskState":
        this.deskState = message.state;
        if (message.width > 0 && message.height > 0) {
          this.deskSize = { width: message.width, height: message.height };
        }
        break;
      case "VideoState":
        this.videoState = message.state;
        break;
    }
  }

  /**
   * Keeps the rendition.
   *
   * @param {string} rendition  "": none, which is not kept
   * @returns {boolean} whether it is another one than before
   */
  changeRendition(rendition) {
    if (rendition === "" || rendition === this.rendition) return false;
    this.rendition = rendition;
    return true;
  }

  /** Returns the size that the canvas has for a picture. @param {Size} picture @returns {Size} */
  canvasSizeFor(picture) {
    const desk = this.deskSize;
    const isScaled = this.rendition !== null && SCALED.includes(this.rendition);
    const fits = desk && desk.width >= picture.width && desk.height >= picture.height;
    return isScaled && fits ? desk : picture;
  }
}
