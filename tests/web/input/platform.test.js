/** Tests how operating systems are recognised. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { platformOf, QUIRKS } from "../../../services/gateway/fanlight_gateway/web/input/platform.js";

test("a platform is known by the browser's user agent", () => {
  for (const [system, platform] of [
    ["Macintosh; Intel Mac OS X 10_15_7", "mac"],
    ["iPhone; CPU iPhone OS 17_0 like Mac OS X", "mac"],
    ["iPad; CPU OS 17_0 like Mac OS X", "mac"],
    ["Windows NT 10.0; Win64; x64", "windows"],
    ["X11; Linux x86_64", "other"],
    ["Linux; Android 14; Pixel 8", "other"],
  ]) {
    assert.equal(platformOf(`Mozilla/5.0 (${system}) AppleWebKit/537.36`), platform);
    assert.ok(platform in QUIRKS);
  }
});
