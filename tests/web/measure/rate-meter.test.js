/** Tests how rates are measured. */

import assert from "node:assert/strict";
import { describe as group, test } from "node:test";

import { RateMeter } from "../../../services/gateway/fanlight_gateway/web/measure/rate-meter.js";

group("meter", () => {
  test("the rate of the last two seconds", () => {
    const meter = new RateMeter();
    for (let at_ms = 0; at_ms < 4000; at_ms += 100) meter.add(50, at_ms);
    assert.equal(meter.rate(3999), 500);
    assert.equal(meter.rate(60_000), 0);
  });
});
