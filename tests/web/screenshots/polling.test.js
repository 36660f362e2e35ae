import assert from "node:assert/strict";
import { test } from "node:test";

import { BACKOFF_MAX_MS, Polling, retryAfter, SCALE_LIMITS } from "../../../services/gateway/fanlight_gateway/web/screenshots/polling.js";
import { DEFAULTS, withDefaults } from "../../../services/gateway/fanlight_gateway/web/protocol/settings.js";

function polling() {
  return new Polling(DEFAULTS, () => 1);
}

function fetches(poll, count, took_ms) {
  for (let i = 0; i < count; i++) {
    poll.started(0);
    poll.finished({ status: 200, took_ms }, took_ms);
  }
}

test("one request in flight, at most ten a second", () => {
  const poll = polling();
  assert.equal(poll.wait(0), 0);
  poll.started(0);
  assert.equal(poll.wait(50), null);
  poll.finished({ status: 200, took_ms: 40 }, 40);
  assert.equal(poll.wait(40), 60);
  assert.equal(poll.wait(500), 0);
});

test("slow fetches lower the quality by 10, fast ones raise it by 5, within bounds", () => {
  const poll = polling();
  assert.equal(poll.quality, 70);
  fetches(poll, 1, 501);
  assert.equal(poll.quality, 60);
  fetches(poll, 1, 500);
  fetches(poll, 1, 300);
  assert.equal(poll.quality, 60);
  fetches(poll, 1, 299);
  assert.equal(poll.quality, 65);
  fetches(poll, 20, 10);
  assert.equal(poll.quality, 90);
  fetches(poll, 8, 900);
  assert.equal(poll.quality, 10);
  assert.equal(poll.scale, 1);
});

test("at the floor the scale halves, and returns before the quality", () => {
  const poll = polling();
  fetches(poll, 6, 900);
  assert.deepEqual([poll.quality, poll.scale], [10, 1]);
  fetches(poll, 1, 900);
  assert.deepEqual([poll.quality, poll.scale], [10, 0.5]);
  fetches(poll, 9, 900);
  assert.equal(poll.scale, SCALE_LIMITS.least);
  fetches(poll, 2, 100);
  assert.equal(poll.scale, SCALE_LIMITS.least);
  fetches(poll, 1, 100);
  assert.deepEqual([poll.quality, poll.scale], [10, 0.5]);
  fetches(poll, 2, 100);
  fetches(poll, 1, 400); // It is neither fast nor slow, so the count begins anew.
  fetches(poll, 2, 100);
  assert.equal(poll.scale, 0.5);
  fetches(poll, 1, 100);
  assert.deepEqual([poll.quality, poll.scale], [10, 1]);
  fetches(poll, 1, 100);
  assert.equal(poll.quality, 15);
});

test("the scale comes back to 1, whatever its least is", () => {
  const poll = new Polling(DEFAULTS, () => 1, { least: 0.3, returnFetches: 1 });
  fetches(poll, 9, 900);
  assert.equal(poll.scale, 0.3);
  fetches(poll, 2, 100);
  assert.equal(poll.scale, 1);
});

test("a timeout is a slow fetch", () => {
  const poll = polling();
  poll.started(0);
  poll.finished({ status: "timeout" }, 5000);
  assert.equal(poll.quality, 60);
  assert.equal(poll.wait(5000), 0);
});

test("a desk at rest is asked twice a second, says nothing of quality, and input wakes it", () => {
  const poll = polling();
  let interval_ms = 0;
  for (let i = 0; i < 20; i++) {
    poll.started(0);
    poll.finished({ status: 304, took_ms: 2 }, 0);
    const next_ms = poll.wait(0);
    assert.ok(next_ms >= interval_ms && next_ms <= 500);
    interval_ms = next_ms;
  }
  assert.equal(interval_ms, 500);
  assert.equal(poll.quality, 70);
  poll.expectChange();
  assert.equal(poll.wait(0), 100);
});

test("a server in trouble is left alone, longer each time", () => {
  const poll = polling();
  const waits = [];
  for (let i = 0; i < 7; i++) {
    poll.started(0);
    poll.finished({ status: 502, took_ms: 1 }, 0);
    waits.push(poll.wait(0));
  }
  assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, BACKOFF_MAX_MS, BACKOFF_MAX_MS]);
  poll.started(0);
  poll.finished({ status: 503, took_ms: 1, retry_after_ms: 3000 }, 0);
  assert.equal(poll.wait(0), 3000);
  poll.started(0);
  poll.finished({ status: 200, took_ms: 400 }, 0);
  poll.started(10_000);
  poll.finished({ status: "network" }, 10_000);
  assert.equal(poll.wait(10_000), 500);
  assert.equal(new Polling(DEFAULTS).wait(0), 0);
});

test("a request that was given up says nothing", () => {
  const poll = polling();
  poll.started(0);
  poll.cancelled();
  assert.equal(poll.wait(0), 100);
  assert.equal(poll.quality, 70);
});

test("other settings keep what was learnt, within the new bounds", () => {
  const poll = polling();
  fetches(poll, 1, 900);
  poll.reconfigure(withDefaults({ screenshot_quality_max: 60, screenshot_min_interval_ms: 300 }));
  assert.equal(poll.quality, 60);
  poll.reconfigure(withDefaults({ screenshot_quality_max: 45, screenshot_min_interval_ms: 300 }));
  assert.equal(poll.quality, 45);
  fetches(poll, 3, 100);
  assert.equal(poll.quality, 45);
  poll.started(0);
  assert.equal(poll.wait(0, 2), 300);
  assert.equal(new Polling(withDefaults({ screenshot_quality_max: 40 })).quality, 40);
});

test("Retry-After is seconds or a date", () => {
  assert.equal(retryAfter("2", 0), 2000);
  assert.equal(retryAfter("-1", 0), 0);
  assert.equal(retryAfter(null, 0), null);
  assert.equal(retryAfter(" ", 0), null);
  assert.equal(retryAfter("soon", 0), null);
  assert.equal(retryAfter("Thu, 01 Jan 1970 00:00:05 GMT", 2000), 3000);
});

test("several in flight, where that is allowed; a long held 304 is followed at once", () => {
  const settings = withDefaults();
  const polling = new Polling(settings);
  polling.started(0);
  assert.equal(polling.wait(10), null);
  assert.equal(polling.wait(10, 3), 90);
  polling.started(100);
  polling.started(200);
  assert.equal(polling.wait(250, 3), null);
  polling.finished({ status: 304, took_ms: 0, held_ms: 20_000 }, 300);
  assert.equal(polling.wait(300, 3), 0);
  polling.cancelled();
  assert.equal(polling.wait(300), 0);
});
