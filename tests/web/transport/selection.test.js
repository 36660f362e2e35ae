/** When WebSockets are taken to be blocked. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { CloseCode } from "../../../services/gateway/fanlight_gateway/web/protocol/binary.js";
import { DEFAULTS } from "../../../services/gateway/fanlight_gateway/web/protocol/settings.js";
import { Passage } from "../../../services/gateway/fanlight_gateway/web/transport/selection.js";

describe("passage", () => {
  const good = { code: 1006, lived_ms: 60_000, painted: true };
  const never = { code: 1006, lived_ms: null, painted: false };

  for (const [name, end] of [
    ["never opened", never],
    ["cut without a picture", { code: 1006, lived_ms: 60_000, painted: false }],
    ["cut soon, although there was a picture", { code: 1005, lived_ms: 4000, painted: true }],
  ]) {
    test(`${name}, twice: plain HTTP`, () => {
      const passage = new Passage();
      passage.ended(end, DEFAULTS);
      assert.equal(passage.plain, false);
      passage.ended(end, DEFAULTS);
      assert.equal(passage.plain, true);
    });
  }

  test("one that has worked here takes more failures", () => {
    const passage = new Passage();
    passage.works();
    const end = { code: 1006, lived_ms: null, painted: false };
    const limit = DEFAULTS.websocket_failure_limit * DEFAULTS.websocket_proven_factor;
    for (let i = 1; i < limit; i++) {
      passage.ended(end, DEFAULTS);
      assert.equal(passage.plain, false);
    }
    passage.ended(end, DEFAULTS);
    assert.equal(passage.plain, true);
  });

  test("a proxy that cuts what lasts long is no reason", () => {
    const passage = new Passage();
    for (const end of [never, good, never, good, good, never, good]) passage.ended(end, DEFAULTS);
    assert.equal(passage.plain, false);
  });

  test("what the gateway itself closed came through", () => {
    const passage = new Passage();
    for (const code of [CloseCode.GOING_AWAY, CloseCode.SLOW, CloseCode.REPLACED, CloseCode.TRY_LATER, 1001]) {
      passage.ended({ ...never, code }, DEFAULTS);
    }
    assert.equal(passage.plain, false);
  });

  test("where plain HTTP fails too, a WebSocket is next, and one failure of it is enough", () => {
    const passage = new Passage();
    passage.ended(never, DEFAULTS);
    passage.ended(never, DEFAULTS);
    passage.plainFailed(DEFAULTS);
    assert.equal(passage.plain, false);
    passage.ended(never, DEFAULTS);
    assert.equal(passage.plain, true);
    passage.changedOver(DEFAULTS);
    passage.ended({ ...good, lived_ms: 100 }, DEFAULTS);
    assert.equal(passage.plain, true);
  });

  test("tries again later and later, and begins anew after a WebSocket that worked", () => {
    const passage = new Passage(() => 1);
    const waits = Array.from({ length: 8 }, () => passage.wait(DEFAULTS));
    assert.deepEqual(waits, [5e3, 10e3, 20e3, 40e3, 80e3, 160e3, 300e3, 300e3]);
    passage.ended(good, DEFAULTS);
    assert.equal(passage.wait(DEFAULTS), 5000);
    assert.equal(new Passage(() => 0).wait(DEFAULTS), 2500);
  });
});
