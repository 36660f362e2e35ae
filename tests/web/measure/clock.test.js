import assert from "node:assert/strict";
import { test } from "node:test";

import { Clock, WINDOW_MS } from "../../../services/gateway/fanlight_gateway/web/measure/clock.js";

/** Makes a round trip: there in a, back in b. The gateway's clock is `ahead_us` ahead of ours. */
function trip(clock, sent_ms, there_ms, back_ms, ahead_us = 0) {
  const { id, viewer_us } = clock.ping(sent_ms);
  const gateway_us = (sent_ms + there_ms) * 1000 + ahead_us;
  return clock.pong({ type: "Pong", id, viewer_us, gateway_us }, sent_ms + there_ms + back_ms);
}

test("nothing is known before the first answer", () => {
  const clock = new Clock();
  assert.equal(clock.rtt_ms, null);
  assert.equal(clock.base_rtt_ms, null);
  assert.equal(clock.currentRtt(0), null);
  assert.equal(clock.age(0, 0), null);
});

test("the base is the floor of the last minute", () => {
  const clock = new Clock();
  trip(clock, 0, 10, 10);
  trip(clock, 1000, 40, 60);
  assert.equal(clock.rtt_ms, 100);
  assert.equal(clock.base_rtt_ms, 20);
  trip(clock, WINDOW_MS + 500, 30, 30);
  assert.equal(clock.base_rtt_ms, 60);
  trip(clock, 2 * WINDOW_MS, 40, 40);
  assert.equal(clock.base_rtt_ms, 60);
  trip(clock, 2 * WINDOW_MS + 600, 50, 50);
  assert.equal(clock.base_rtt_ms, 80);
});

test("the best round trip of the minute gives the gateway's clock", () => {
  const clock = new Clock();
  trip(clock, 0, 400, 0, 5_000_000); // All of the delay is on one way, so the offset is 200 ms wrong.
  trip(clock, 1000, 5, 5, 5_000_000); // The offset can be 5 ms wrong; here it is not wrong at all.
  trip(clock, 2000, 0, 300, 5_000_000);
  assert.equal(clock.gatewayUs(3000), 8_000_000);
  assert.equal(clock.age(7_900_000, 3000), 100);
  assert.equal(clock.age(9_000_000, 3000), 0);
});

test("another clock at the gateway counts at once", () => {
  const clock = new Clock();
  trip(clock, 0, 5, 5, 5_000_000);
  trip(clock, 1000, 20, 20, 5_004_000); // The clock was corrected by a little, so the best trip stays.
  assert.equal(clock.gatewayUs(2000), 7_000_000);
  trip(clock, 2000, 20, 20, 1_000_000);
  assert.equal(clock.gatewayUs(3000), 4_000_000);
  assert.equal(clock.base_rtt_ms, 10);
});

test("a ping without an answer counts for as long as it waits", () => {
  const clock = new Clock();
  trip(clock, 0, 5, 5);
  clock.ping(1000);
  clock.ping(1250);
  assert.equal(clock.currentRtt(1005), 10);
  assert.equal(clock.currentRtt(1400), 400);
});

test("an answer answers for the pings before it, and is not taken twice", () => {
  const clock = new Clock();
  clock.ping(0);
  const { id, viewer_us } = clock.ping(100);
  const pong = { type: "Pong", id, viewer_us, gateway_us: 0 };
  assert.equal(clock.pong(pong, 150), true);
  assert.equal(clock.currentRtt(9000), 50);
  assert.equal(clock.pong(pong, 200), false);
  assert.equal(clock.pong({ ...pong, id: 77 }, 200), false);
});

test("a new socket keeps the floor and forgets the rest", () => {
  const clock = new Clock();
  trip(clock, 0, 5, 5);
  clock.ping(10);
  clock.connected();
  assert.equal(clock.base_rtt_ms, 10);
  assert.equal(clock.rtt_ms, null);
  assert.equal(clock.gatewayUs(20), null);
  assert.equal(clock.currentRtt(20), null);
  clock.ping(30);
  assert.equal(clock.currentRtt(50), 20);
  clock.resetBase();
  assert.equal(clock.base_rtt_ms, null);
});

test("what is never answered is forgotten in the end", () => {
  const clock = new Clock();
  for (let i = 0; i < 2000; i++) clock.ping(i);
  assert.equal(clock.currentRtt(2000), 600);
});

test("a stall is late, and so is a long queue; a long path is not", () => {
  const clock = new Clock();
  assert.equal(clock.isCongested(0), false);
  trip(clock, 0, 20, 20);
  clock.ping(1000);
  assert.equal(clock.isCongested(1190), false);
  assert.equal(clock.isCongested(1191), true);
  clock.connected();
  assert.equal(clock.isCongested(1300), false);
  trip(clock, 2000, 100, 100); // The route is 160 ms longer now. One answer shows it.
  clock.ping(2200);
  assert.equal(clock.isCongested(2400), false);
  trip(clock, 2500, 300, 241);
  assert.equal(clock.isCongested(3041), true);
  trip(clock, 3100, 20, 20);
  assert.equal(clock.isCongested(3140), false);

  const satellite = new Clock();
  for (let at_ms = 0; at_ms < 5000; at_ms += 700) trip(satellite, at_ms, 300, 320);
  satellite.ping(6000);
  assert.equal(satellite.isCongested(6770), false);
});
