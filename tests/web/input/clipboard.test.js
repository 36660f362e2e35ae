/** Tests that a text goes to the desk once, and again if it may have been lost. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { ClipboardBridge } from "../../../services/gateway/fanlight_gateway/web/input/clipboard.js";

test("the same text goes once, and again after it may have gone nowhere", () => {
  /** @type {string[]} */
  const sent = [];
  const bridge = new ClipboardBridge((text) => sent.push(text), () => {});
  bridge.toDesk("one");
  bridge.toDesk("one");
  assert.deepEqual(sent, ["one"]);
  bridge.forget();
  bridge.toDesk("one");
  bridge.toDesk("");
  assert.deepEqual(sent, ["one", "one"]);
});
