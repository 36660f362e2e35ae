// @ts-check
/**
 * Decodes the JSON messages of a gateway, and encodes those of a viewer. Pure; runs in the page and
 * in the worker.
 *
 * A message is an object with one key, the message's name. fanlight_common/protocol/control.py is
 * the other half; tests/vectors/control.json holds the two together. Unknown members are ignored. A
 * member that is missing or has another type is a ProtocolError.
 *
 * @typedef {{ type: "Welcome", protocol: number, desk: string, role: string,
 *   settings: Record<string, number> }} Welcome
 * @typedef {{ type: "DeskState", state: string, width: number, height: number }} DeskState
 * @typedef {{ type: "VideoState", state: string, rendition: string }} VideoState
 * @typedef {{ type: "Clipboard", text: string }} Clipboard
 * @typedef {{ type: "Error", code: string, message: string }} GatewayError
 * @typedef {Welcome | DeskState | VideoState | Clipboard | GatewayError} GatewayControl
 *
 * @typedef {{ type: "Hello", protocol?: number, viewer: string, video_enabled: boolean,
 *   keyframes_only: boolean, codecs?: readonly string[] }} Hello  codecs: what the viewer can
 *   decode, the best first
 * @typedef {{ type: "SetVideoEnabled", enabled: boolean }} SetVideoEnabled
 * @typedef {{ type: "SetKeyframesOnly", enabled: boolean }} SetKeyframesOnly
 * @typedef {{ type: "FellBack", reason: string }} FellBack
 * @typedef {{ type: "RequestIdr" }} RequestIdr
 * @typedef {{ type: "SetFocus", focused: boolean }} SetFocus
 * @typedef {Hello | SetVideoEnabled | SetKeyframesOnly | FellBack | RequestIdr | SetFocus
 *   | Clipboard
 *   } ViewerControl
 */

import { H264 } from "./binary.js";
import { PROTOCOL_VERSION, ProtocolError } from "./constants.js";
import { characters, MAX_CLIPBOARD_CHARS } from "./text.js";

/**
 * Encodes a control message of a viewer.
 *
 * @param {ViewerControl} message
 * @returns {string}
 */
export function encodeControl(message) {
  switch (message.type) {
    case "Hello": {
      const { protocol = PROTOCOL_VERSION, viewer, video_enabled, keyframes_only } = message;
      const { codecs = [H264] } = message;
      return JSON.stringify({ hello: { protocol, viewer, video_enabled, keyframes_only, codecs } });
    }
    case "SetVideoEnabled":
      return JSON.stringify({ set_video_enabled: message.enabled });
    case "SetKeyframesOnly":
      return JSON.stringify({ set_keyframes_only: message.enabled });
    case "FellBack":
      return JSON.stringify({ fell_back: message.reason });
    case "RequestIdr":
      return JSON.stringify({ request_idr: true });
    case "SetFocus":
      return JSON.stringify({ set_focus: message.focused });
    case "Clipboard":
      return JSON.stringify({ clipboard: { text: message.text } });
  }
}

/**
 * Decodes a control message of a gateway. Throws ProtocolError.
 *
 * @param {string} text
 * @returns {GatewayControl}
 */
export function decodeControl(text) {
  const [name, body] = load(text);
  switch (name) {
    case "welcome": {
      const settings = member(body, "settings", "object");
      if (Object.values(settings).some((value) => typeof value !== "number")) {
        throw new ProtocolError("welcome.settings: wants numbers");
      }
      return {
        type: "Welcome",
        protocol: member(body, "protocol", "integer"),
        desk: member(body, "desk", "string"),
        role: member(body, "role", "string"),
        settings,
      };
    }
    case "desk":
      return {
        type: "DeskState",
        state: member(body, "state", "string"),
        width: member(body, "width", "integer"),
        height: member(body, "height", "integer"),
      };
    case "video":
      return {
        type: "VideoState",
        state: member(body, "state", "string"),
        rendition: member(body, "rendition", "string"),
      };
    case "clipboard": {
      const content = member(body, "text", "string");
      if (characters(content) > MAX_CLIPBOARD_CHARS) {
        throw new ProtocolError(`clipboard: more than ${MAX_CLIPBOARD_CHARS} characters`);
      }
      return { type: "Clipboard", text: content };
    }
    case "error":
      return {
        type: "Error",
        code: member(body, "code", "string"),
        message: member(body, "message", "string"),
      };
    default:
      throw new ProtocolError(`unknown control message ${JSON.stringify(name.slice(0, 40))}`);
  }
}

/** Returns the name and the body of a message. @param {string} text @returns {[string, any]} */
function load(text) {
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ProtocolError("control message: not JSON");
  }
  const entries = isObject(value) ? Object.entries(value) : [];
  if (entries.length !== 1) {
    throw new ProtocolError("control message: wants an object with one key");
  }
  return entries[0];
}

/**
 * Returns a member of the body. Throws ProtocolError if it is missing or of another kind.
 *
 * @param {any} body
 * @param {string} name
 * @param {"string" | "integer" | "object"} kind
 * @returns {any}
 */
function member(body, name, kind) {
  if (!isObject(body) || !Object.hasOwn(body, name)) throw new ProtocolError(`${name}: missing`);
  const value = /** @type {any} */ (body)[name];
  const fits =
    kind === "integer"
      ? Number.isInteger(value)
      : kind === "object"
        ? isObject(value)
        : typeof value === "string";
  if (!fits) throw new ProtocolError(`${name}: wants ${kind}`);
  return value;
}

/** @param {unknown} value @returns {value is object} */
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
