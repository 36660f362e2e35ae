/** Tests when WebSockets count as blocked. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { CloseCode } from "../../../services/gateway/fanlight_gateway/web/protocol/constants.js";
import { FAILURE_LIMIT, PROVEN_FACTOR, PROVEN_MS, TransportSelection } from "../../../services/gateway/fanlight_gateway/web/transport/selection.js";
import { tableOf } from "../tables.js";

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
      selection.webSocketEnded(end);
      assert.equal(selection.usesPlainHttp, false);
      selection.webSocketEnded(end);
      assert.equal(selection.usesPlainHttp, true);
    });
  }

  test("one that has worked here takes more failures", () => {
    const selection = new TransportSelection();
    selection.webSocketWorks();
    const end = { code: 1006, lived_ms: null, painted: false };
    const limit = FAILURE_LIMIT * PROVEN_FACTOR;
    for (let i = 1; i < limit; i++) {
      selection.webSocketEnded(end);
      assert.equal(selection.usesPlainHttp, false);
    }
    selection.webSocketEnded(end);
    assert.equal(selection.usesPlainHttp, true);
  });

  test("a proxy that cuts what lasts long is no reason", () => {
    const selection = new TransportSelection();
    for (const end of [never, good, never, good, good, never, good]) selection.webSocketEnded(end);
    assert.equal(selection.usesPlainHttp, false);
  });

  test("what the gateway itself closed came through", () => {
    const selection = new TransportSelection();
    for (const code of [CloseCode.GOING_AWAY, CloseCode.SLOW, CloseCode.REPLACED, CloseCode.TRY_LATER, 1001]) {
      selection.webSocketEnded({ ...never, code });
    }
    assert.equal(selection.usesPlainHttp, false);
  });

  test("where plain HTTP fails too, a WebSocket is next, and one failure of it is enough", () => {
    const selection = new TransportSelection();
    selection.webSocketEnded(never);
    selection.webSocketEnded(never);
    selection.plainHttpFailed();
    assert.equal(selection.usesPlainHttp, false);
    selection.webSocketEnded(never);
    assert.equal(selection.usesPlainHttp, true);
    selection.upgraded();
    selection.webSocketEnded({ ...good, lived_ms: 100 });
    assert.equal(selection.usesPlainHttp, true);
  });

  test("tries again later and later, and begins anew after a WebSocket that worked", () => {
    const selection = new TransportSelection(() => 1);
    const waits = Array.from({ length: 8 }, () => selection.waitBeforeTry());
    assert.deepEqual(waits, [5e3, 10e3, 20e3, 40e3, 80e3, 160e3, 300e3, 300e3]);
    selection.webSocketEnded(good);
    assert.equal(selection.waitBeforeTry(), 5000);
    assert.equal(new TransportSelection(() => 0).waitBeforeTry(), 2500);
  });
});

describe("the table at the top of selection.js", () => {
  const failed = { code: 1006, lived_ms: null, painted: false };
  const worked = { code: 1006, lived_ms: PROVEN_MS, painted: true };
  const EVENTS = {
    "1 webSocketEnded, closed by the gateway": (it) => it.webSocketEnded({ ...failed, code: CloseCode.GOING_AWAY }),
    "2 webSocketEnded, it worked": (it) => it.webSocketEnded(worked),
    "3 webSocketEnded, it failed": (it) => it.webSocketEnded(failed),
    "4 webSocketWorks": (it) => it.webSocketWorks(),
    "5 plainHttpFailed": (it) => it.plainHttpFailed(),
    "6 upgraded": (it) => it.upgraded(),
  };
  /** What each text of the table means: from failures and limit before to failures and limit after. */
  const FAILURES = {
    "as before": (failures, limit) => [failures, limit],
    "0": (_, limit) => [0, limit],
    "one more; the limit is `FAILURE_LIMIT`": (failures) => [failures + 1, FAILURE_LIMIT],
    "0, and the limit grows by `PROVEN_FACTOR`": () => [0, FAILURE_LIMIT * PROVEN_FACTOR],
    "one below the limit": (_, limit) => [limit - 1, limit],
  };
  const NEXT = {
    "as before": (before) => before,
    "WebSocket": () => false,
    "plain HTTP at the limit": (_, failures, limit) => failures >= limit,
  };

  /** Returns how many further failures it takes until plain HTTP is next. */
  function failuresLeft(selection) {
    for (let count = 1; ; count++) {
      selection.webSocketEnded(failed);
      if (selection.usesPlainHttp) return count;
    }
  }

  const rows = tableOf("transport/selection.js");
  test("has every event", () => {
    assert.deepEqual(rows.map(([event]) => event), Object.keys(EVENTS));
  });

  for (const [event, next, failures] of rows) {
    test(`${event}: ${failures}`, () => {
      for (let before = 0; before <= FAILURE_LIMIT; before++) {
        const selection = new TransportSelection();
        for (let count = 0; count < before; count++) selection.webSocketEnded(failed);
        const usedPlainHttp = selection.usesPlainHttp;
        EVENTS[event](selection);
        const [counted, limit] = FAILURES[failures](before, FAILURE_LIMIT);
        assert.equal(selection.usesPlainHttp, NEXT[next](usedPlainHttp, counted, limit), `after ${before}`);
        assert.equal(failuresLeft(selection), Math.max(1, limit - counted), `after ${before}`);
      }
    });
  }
});
