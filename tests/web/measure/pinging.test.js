/** Tests when pings go out, and what they show. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { Clock } from "../../../services/gateway/fanlight_gateway/web/measure/clock.js";
import { HTTP_PING_INTERVAL_MS, Pinging, SILENCE_LIMIT_MS } from "../../../services/gateway/fanlight_gateway/web/measure/pinging.js";
import { DEFAULTS } from "../../../services/gateway/fanlight_gateway/web/protocol/settings.js";

const INTERVAL_MS = DEFAULTS.ping_interval_ms;
const SILENCE_MS = SILENCE_LIMIT_MS;

/** Returns a pinging over a connection that the test answers. */
function pinging(context, { carriesVideo = true } = {}) {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const pings = [];
  const log = [];
  const host = {
    now_ms: 0,
    visible: true,
    measuring: false,
    now: () => host.now_ms,
    settings: () => DEFAULTS,
    clock: new Clock(),
    connection: {
      state: "open",
      carriesVideo,
      lastMessage_ms: 0,
      send: (message) => pings.push(message),
    },
    isVisible: () => host.visible,
    isMeasuringBase: () => host.measuring,
    onrtt: (rtt_ms, base_rtt_ms) => log.push(`rtt ${rtt_ms} ${base_rtt_ms}`),
    onsilent: () => {
      log.push("silent");
      host.connection.state = "waiting";
    },
    onping: () => log.push("ping"),
  };
  const it = new Pinging(host);
  const pass = (ms) => {
    for (let left = ms; left > 0; left -= 10) {
      host.now_ms += Math.min(10, left);
      context.mock.timers.tick(Math.min(10, left));
    }
  };
  const answer = () => {
    host.connection.lastMessage_ms = host.now_ms;
    const { id } = pings.at(-1);
    it.pong({ type: "Pong", id, viewer_us: 0, gateway_us: 0 });
  };
  return { it, host, pings, log, pass, answer, take: () => log.splice(0) };
}

describe("pinging", () => {
  test("begins at once, and goes on while the connection is open", (context) => {
    const { it, host, pings, pass } = pinging(context);
    it.start();
    assert.equal(pings.length, 1);
    pass(INTERVAL_MS);
    assert.equal(pings.length, 2);
    host.connection.state = "waiting";
    pass(10 * INTERVAL_MS);
    assert.equal(pings.length, 2);
  });

  test("begins once, however often it is started", (context) => {
    const { it, pings, pass } = pinging(context);
    it.start();
    it.start();
    pass(INTERVAL_MS);
    assert.equal(pings.length, 3);
  });

  test("is slower over plain HTTP", (context) => {
    const { it, pings, pass } = pinging(context, { carriesVideo: false });
    it.start();
    pass(HTTP_PING_INTERVAL_MS - 10);
    assert.equal(pings.length, 1);
    pass(10);
    assert.equal(pings.length, 2);
  });

  test("rests while the page is hidden, and then nothing is silent", (context) => {
    const { it, host, pings, pass, take } = pinging(context);
    host.visible = false;
    it.start();
    pass(2 * SILENCE_MS);
    assert.deepEqual([pings.length, take()], [0, []]);
    host.visible = true;
    pass(INTERVAL_MS);
    assert.deepEqual([pings.length, take()], [1, ["ping"]]);
  });

  test("judges the RTT at each pong, with its base", (context) => {
    const { it, pass, answer, take } = pinging(context);
    it.start();
    pass(40);
    answer();
    assert.deepEqual(take(), ["ping", "rtt 40 40"]);
    pass(INTERVAL_MS - 40);
    assert.deepEqual(take(), ["rtt 40 40", "ping"]);
    pass(90);
    answer();
    assert.deepEqual(take(), ["rtt 90 40"]);
  });

  test("judges a ping without a pong by how long it has waited", (context) => {
    const { it, host, pass, take } = pinging(context);
    it.start();
    take();
    host.connection.lastMessage_ms = INTERVAL_MS;
    pass(2 * INTERVAL_MS);
    assert.deepEqual(take(), ["rtt 250 0", "ping", "rtt 500 0", "ping"]);
  });

  test("while the base is measured, only pongs count", (context) => {
    const { it, host, pass, answer, take } = pinging(context);
    host.measuring = true;
    it.start();
    pass(2 * INTERVAL_MS);
    assert.deepEqual(take(), ["ping", "ping", "ping"]);
    answer();
    assert.equal(take().length, 1);
  });

  test("a pong that answers no ping shows nothing", (context) => {
    const { it, take } = pinging(context);
    it.start();
    take();
    it.pong({ type: "Pong", id: 99, viewer_us: 0, gateway_us: 0 });
    assert.deepEqual(take(), []);
  });

  test("when nothing comes for long, the connection is silent, and its RTT is not judged", (context) => {
    const { it, pass, take } = pinging(context);
    it.start();
    pass(SILENCE_MS / 2);
    take();
    pass(SILENCE_MS / 2);
    assert.ok(take().every((what) => what === "ping"));
    pass(INTERVAL_MS);
    assert.deepEqual(take(), ["silent"]);
  });

  test("plain HTTP is never silent", (context) => {
    const { it, pass, log } = pinging(context, { carriesVideo: false });
    it.start();
    pass(3 * SILENCE_MS);
    assert.equal(log.includes("silent"), false);
  });

  test("a held key keeps one ping in flight", (context) => {
    const { it, host, pings, pass, answer } = pinging(context);
    it.start();
    it.probe();
    assert.equal(pings.length, 1);
    pass(20);
    answer();
    it.probe();
    it.probe();
    assert.equal(pings.length, 2);
    answer();
    host.connection.state = "waiting";
    it.probe();
    assert.equal(pings.length, 2);
  });
});
