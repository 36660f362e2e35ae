/** Tests the ages and rates of pictures. */

import assert from "node:assert/strict";
import { describe as group, test } from "node:test";

import { PictureStatistics } from "../../../services/gateway/fanlight_gateway/web/measure/picture-statistics.js";

group("statistics", () => {
  const clock = { age: (captured_us, now_ms) => now_ms - captured_us / 1000 };
  const unit = (sequence, epoch = 1) => ({ type: "VideoUnit", epoch, sequence, captured_us: sequence * 10_000 });

  test("the age is that of the paint, and grows only while something newer has come", () => {
    const statistics = new PictureStatistics(clock);
    assert.equal(statistics.overdueAge(0), null);
    statistics.unit(unit(1), 100, 20);
    assert.equal(statistics.overdueAge(5000), null); // Nothing is on the canvas yet.
    statistics.paintedUnit(unit(1), 30);
    assert.equal(statistics.age_ms, 20);
    assert.equal(statistics.overdueAge(60_000), null);
    statistics.unit(unit(2), 100, 60_000);
    assert.equal(statistics.overdueAge(60_010), 60_000);
    statistics.expectNone();
    assert.equal(statistics.overdueAge(60_010), null);
    statistics.unit(unit(1, 2), 100, 60_020);
    statistics.paintedUnit(unit(1), 60_020);
    assert.notEqual(statistics.overdueAge(60_030), null); // The unit is of the old epoch.
  });

  test("a screenshot, and one that has not changed", () => {
    const statistics = new PictureStatistics(clock);
    statistics.unchanged(5, true, 10);
    assert.equal(statistics.age_ms, null);
    statistics.screenshot(1000, true, 1000);
    statistics.painted(990_000, 1000);
    assert.deepEqual([statistics.age_ms, statistics.stale, statistics.screenshot_bytes], [10, true, 1000]);
    statistics.unchanged(1_995_000, false, 2000);
    assert.deepEqual([statistics.age_ms, statistics.stale], [5, false]);
    statistics.painted(null, 2500);
    assert.equal(statistics.age_ms, null);
    assert.deepEqual(statistics.rates(2500), { fps: 1, bitrate_kbps: 4 });
  });
});
