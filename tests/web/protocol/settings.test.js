/** Tests that the gateway's settings override the defaults. */

import assert from "node:assert/strict";
import { describe as group, test } from "node:test";

import { DEFAULTS, withDefaults } from "../../../services/gateway/fanlight_gateway/web/protocol/settings.js";

group("settings", () => {
  test("the gateway's values replace the defaults, where they are usable", () => {
    const settings = withDefaults({ rtt_limit_ms: 300, sustain_ms: -1, age_limit_ms: NaN, tomorrow: 1 });
    assert.equal(Object.keys(DEFAULTS).length, 6);
    assert.equal(settings.rtt_limit_ms, 300);
    assert.equal(settings.sustain_ms, 3000);
    assert.equal(settings.age_limit_ms, 1000);
    assert.equal("tomorrow" in settings, false);
    assert.deepEqual(Object.keys(settings), Object.keys(DEFAULTS));
    assert.ok(Object.isFrozen(settings) && Object.isFrozen(DEFAULTS));
    assert.deepEqual(withDefaults(), DEFAULTS);
  });
});
