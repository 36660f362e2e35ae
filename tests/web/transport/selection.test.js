/** When WebSockets are taken to be blocked. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { CloseCode } from "../../../services/gateway/fanlight_gateway/web/protocol/constants.js";
import { DEFAULTS } from "../../../services/gateway/fanlight_gateway/web/protocol/settings.js";
import { TransportSelection } from "../../../services/gateway/fanlight_gateway/web/transport/selection.js";

describe("selection", () => {
  const good = { code: 1006, lived_ms: 60_000, painted: true };
  const never = { code: 1006, lived_ms: null, painted: false };

  for (const [name, end] of [
    ["never opened", never],
    ["cut without a picture", { code: 1006, lived_ms: 60_000, painted: false }],
    ["cut soon, although there was a picture", { code: 1005, lived_ms: 4000, painted: true }],
  ]) {
    test(`${name}, twice: plain HTTP`, () => {
      const selection = new TransportSelection();
      selection.webSocketEnded(end, DEFAULTS);
      assert.equal(selection.usesPlainHttp, false);
      selection.webSocketEnded(end, DEFAULTS);
      assert.equal(selection.usesPlainHttp, true);
    });
  }

  test("one that has worked here takes more failures", () => {
    const selection = new TransportSelection();
    selection.webSocketWorks();
    const end = { code: 1006, lived_ms: null, painted: false };
    const limit = DEFAULTS.websocket_failure_limit * DEFAULTS.websocket_proven_factor;
    for (let i = 1; i < limit; i++) {
      selection.webSocketEnded(end, DEFAULTS);
      assert.equal(selection.usesPlainHttp, false);
    }
    selection.webSocketEnded(end, DEFAULTS);
    assert.equal(selection.usesPlainHttp, true);
  });

  test("a proxy that cuts what lasts long is no reason", () => {
    const selection = new TransportSelection();
    for (const end of [never, good, never, good, good, never, good]) selection.webSocketEnded(end, DEFAULTS);
    assert.equal(selection.usesPlainHttp, false);
  });

  test("what the gateway itself closed came through", () => {
    const selection = new TransportSelection();
    for (const code of [CloseCode.GOING_AWAY, CloseCode.SLOW, CloseCode.REPLACED, CloseCode.TRY_LATER, 1001]) {
      selection.webSocketEnded({ ...never, code }, DEFAULTS);
    }
    assert.equal(selection.usesPlainHttp, false);
  });

  test("where plain HTTP fails too, a WebSocket is next, and one failure of it is enough", () => {
    const selection = new TransportSelection();
    selection.webSocketEnded(never, DEFAULTS);
    selection.webSocketEnded(never, DEFAULTS);
    selection.plainHttpFailed(DEFAULTS);
    assert.equal(selection.usesPlainHttp, false);
    selection.webSocketEnded(never, DEFAULTS);
    assert.equal(selection.usesPlainHttp, true);
    selection.upgraded(DEFAULTS);
    selection.webSocketEnded({ ...good, lived_ms: 100 }, DEFAULTS);
    assert.equal(selection.usesPlainHttp, true);
  });

  test("tries again later and later, and begins anew after a WebSocket that worked", () => {
    const selection = new TransportSelection(() => 1);
    const waits = Array.from({ length: 8 }, () => selection.waitBeforeTry(DEFAULTS));
    assert.deepEqual(waits, [5e3, 10e3, 20e3, 40e3, 80e3, 160e3, 300e3, 300e3]);
    selection.webSocketEnded(good, DEFAULTS);
    assert.equal(selection.waitBeforeTry(DEFAULTS), 5000);
    assert.equal(new TransportSelection(() => 0).waitBeforeTry(DEFAULTS), 2500);
  });
});
