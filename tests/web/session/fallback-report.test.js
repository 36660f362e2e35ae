/** Tests what the gateway is told about why video was left. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { FallbackReport } from "../../../services/gateway/fanlight_gateway/web/session/fallback-report.js";
import { initialFallback } from "../../../services/gateway/fanlight_gateway/web/session/fallback.js";

const VIDEO = initialFallback();
const left = (reason, state = "locked") => ({ ...VIDEO, state, reason });

function setUp(state = "open") {
  const connection = { state, sent: [], sendControl: ({ type, reason }) => connection.sent.push([type, reason]) };
  return { connection, report: new FallbackReport(connection) };
}

describe("why video was left", () => {
  for (const [reason, event, after] of [
    ["rtt", { type: "rtt" }, left("network")],
    ["age", { type: "age" }, left("network")],
    ["silence", { type: "silent" }, left("network")],
    ["decoder", { type: "decoder-failed" }, left("decoder")],
    ["insecure", { type: "decoder-missing" }, left("insecure", "no-decoder")],
  ]) {
    test(`is told once: ${reason}`, () => {
      const { connection, report } = setUp();
      report.stepped(VIDEO, event, after);
      report.stepped(after, { type: "rtt" }, after);
      assert.deepEqual(connection.sent, [["FellBack", reason]]);
    });
  }

  test("is not told if a person chose it, or if video was not left", () => {
    const { connection, report } = setUp();
    report.stepped(VIDEO, { type: "mode" }, left(null, "screenshots"));
    report.stepped(VIDEO, { type: "rtt" }, VIDEO);
    report.stepped(left("network"), { type: "click" }, left(null, "measuring"));
    assert.deepEqual(connection.sent, []);
  });

  test("waits for a connection; of two reasons, the newer one is told", () => {
    const { connection, report } = setUp("waiting");
    report.stepped(VIDEO, { type: "silent" }, left("network"));
    report.stepped(VIDEO, { type: "decoder-failed" }, left("decoder"));
    assert.deepEqual(connection.sent, []);
    connection.state = "open";
    report.stepped(left("decoder"), { type: "connected" }, left("decoder"));
    assert.deepEqual(connection.sent, [["FellBack", "decoder"]]);
  });
});
