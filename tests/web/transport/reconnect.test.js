/** When a viewer connects again. */

import assert from "node:assert/strict";
import { describe as group, test } from "node:test";

import { CloseCode } from "../../../services/gateway/fanlight_gateway/web/protocol/constants.js";
import { DEFAULTS } from "../../../services/gateway/fanlight_gateway/web/protocol/settings.js";
import { Reconnect } from "../../../services/gateway/fanlight_gateway/web/transport/reconnect.js";

group("reconnect", () => {
  test("waits longer and longer, up to a limit, and begins anew on the first paint", () => {
    const reconnect = new Reconnect(() => 1);
    const waits = Array.from({ length: 8 }, () => reconnect.closed(1006, DEFAULTS));
    assert.deepEqual(waits, [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
    reconnect.reset();
    assert.equal(reconnect.closed(CloseCode.SLOW, DEFAULTS), 250);
  });

  test("is jittered, and never at once", () => {
    const reconnect = new Reconnect(() => 0);
    assert.deepEqual([1, 2, 3].map(() => reconnect.closed(1006, DEFAULTS)), [125, 250, 500]);
    const wait_ms = new Reconnect().closed(1006, DEFAULTS);
    assert.ok(wait_ms >= 125 && wait_ms <= 250);
  });

  test("is at once where the gateway goes, and not again and again", () => {
    for (const [random, first_ms] of [[0, 0], [0.5, 125], [1, 250]]) {
      const reconnect = new Reconnect(() => random);
      assert.equal(reconnect.closed(CloseCode.GOING_AWAY, DEFAULTS), first_ms);
      assert.ok(reconnect.closed(CloseCode.GOING_AWAY, DEFAULTS) >= 250, "there is no other, it seems");
      reconnect.reset();
      assert.equal(reconnect.closed(CloseCode.GOING_AWAY, DEFAULTS), first_ms);
    }
    assert.equal(new Reconnect(() => 0).closed(CloseCode.TRY_LATER, DEFAULTS), 125);
  });

  test("never after a code that says so", () => {
    const { GOING_AWAY, TRY_LATER, FAILED, SLOW, ...final } = CloseCode;
    for (const code of Object.values(final)) assert.equal(new Reconnect().closed(code, DEFAULTS), null);
    for (const code of [GOING_AWAY, TRY_LATER, FAILED, SLOW]) assert.notEqual(new Reconnect().closed(code, DEFAULTS), null);
  });
});
