/** Ages and rates of pictures. */

import assert from "node:assert/strict";
import { describe as group, test } from "node:test";

import { Figures } from "../../../services/gateway/fanlight_gateway/web/measure/picture-statistics.js";

group("figures", () => {
  const clock = { age: (captured_us, now_ms) => now_ms - captured_us / 1000 };
  const unit = (sequence, epoch = 1) => ({ type: "VideoUnit", epoch, sequence, captured_us: sequence * 10_000 });

  test("the age is that of the paint, and grows only while something newer has come", () => {
    const figures = new Figures(clock);
    assert.equal(figures.overdue(0), null);
    figures.unit(unit(1), 100, 20);
    assert.equal(figures.overdue(5000), null); // nothing is on the screen yet
    figures.paintedUnit(unit(1), 30);
    assert.equal(figures.age_ms, 20);
    assert.equal(figures.overdue(60_000), null);
    figures.unit(unit(2), 100, 60_000);
    assert.equal(figures.overdue(60_010), 60_000);
    figures.forget();
    assert.equal(figures.overdue(60_010), null);
    figures.unit(unit(1, 2), 100, 60_020);
    figures.paintedUnit(unit(1), 60_020);
    assert.notEqual(figures.overdue(60_030), null); // of the old epoch
  });

  test("a still, and one that has not changed", () => {
    const figures = new Figures(clock);
    figures.unchanged(5, true, 10);
    assert.equal(figures.age_ms, null);
    figures.still(1000, true, 1000);
    figures.painted(990_000, 1000);
    assert.deepEqual([figures.age_ms, figures.stale, figures.still_bytes], [10, true, 1000]);
    figures.unchanged(1_995_000, false, 2000);
    assert.deepEqual([figures.age_ms, figures.stale], [5, false]);
    figures.painted(null, 2500);
    assert.equal(figures.age_ms, null);
    assert.deepEqual(figures.rates(2500), { fps: 1, bitrate_kbps: 4 });
  });
});
