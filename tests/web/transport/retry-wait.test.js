/** Tests when a viewer connects again. */

import assert from "node:assert/strict";
import { describe as group, test } from "node:test";

import { CloseCode } from "../../../services/gateway/fanlight_gateway/web/protocol/constants.js";
import { RetryWait } from "../../../services/gateway/fanlight_gateway/web/transport/retry-wait.js";

group("retry wait", () => {
  test("waits longer and longer, up to a limit, and begins anew on the first paint", () => {
    const wait = new RetryWait(() => 1);
    const waits = Array.from({ length: 8 }, () => wait.closed(1006));
    assert.deepEqual(waits, [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
    wait.reset();
    assert.equal(wait.closed(CloseCode.SLOW), 250);
  });

  test("is jittered, and never at once", () => {
    const wait = new RetryWait(() => 0);
    assert.deepEqual([1, 2, 3].map(() => wait.closed(1006)), [125, 250, 500]);
    const wait_ms = new RetryWait().closed(1006);
    assert.ok(wait_ms >= 125 && wait_ms <= 250);
  });

  test("is at once where the gateway goes, and not again and again", () => {
    for (const [random, first_ms] of [[0, 0], [0.5, 125], [1, 250]]) {
      const wait = new RetryWait(() => random);
      assert.equal(wait.closed(CloseCode.GOING_AWAY), first_ms);
      assert.ok(wait.closed(CloseCode.GOING_AWAY) >= 250, "there is no other, it seems");
      wait.reset();
      assert.equal(wait.closed(CloseCode.GOING_AWAY), first_ms);
    }
    assert.equal(new RetryWait(() => 0).closed(CloseCode.TRY_LATER), 125);
  });

  test("never after a code that says so", () => {
    const { GOING_AWAY, TRY_LATER, FAILED, SLOW, ...final } = CloseCode;
    for (const code of Object.values(final)) assert.equal(new RetryWait().closed(code), null);
    for (const code of [GOING_AWAY, TRY_LATER, FAILED, SLOW]) assert.notEqual(new RetryWait().closed(code), null);
  });
});
