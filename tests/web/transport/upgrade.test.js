/** Tests the change to a WebSocket: each row of the table at the top of upgrade.js. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { INPUT_AGE_MS } from "../../../services/gateway/fanlight_gateway/web/transport/plain-http.js";
import { WebSocketUpgrade } from "../../../services/gateway/fanlight_gateway/web/transport/upgrade.js";
import { tableOf } from "../tables.js";

const WAIT_MS = 5000;
const settle = async () => {
  for (let turn = 0; turn < 6; turn++) await new Promise((resolve) => setImmediate(resolve));
};

/** Returns an upgrade between a plain HTTP transport and WebSockets that the test drives. */
function setUp(context) {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const log = [];
  const candidates = [];
  let now_ms = 0;
  const plainHttp = {
    isAnyKeyDown: false,
    drain: (limit_ms) => {
      log.push(`drain ${limit_ms}`);
      return new Promise((resolve) => (plainHttp.drained = resolve));
    },
    abandon: () => log.push("abandon"),
  };
  const upgrade = new WebSocketUpgrade({
    now: () => now_ms,
    waitBeforeTry: () => WAIT_MS,
    makeWebSocket: (events) => {
      const candidate = {
        events,
        isClosed: false,
        open: () => log.push("open"),
        close: () => {
          candidate.isClosed = true;
          log.push("close");
        },
      };
      candidates.push(candidate);
      return candidate;
    },
    onupgrade: () => log.push("upgrade"),
    ontext: (text) => log.push(`text ${text}`),
    onbinary: () => log.push("binary"),
    onclosed: (_, code) => log.push(`closed ${code}`),
  });
  const pass = async (ms) => {
    for (let left = ms; left > 0; left -= 50) {
      now_ms += Math.min(50, left);
      context.mock.timers.tick(Math.min(50, left));
      await settle();
    }
  };
  const postpone = (name) => upgrade.postpone((to) => log.push(`${name} by ${to === plainHttp ? "HTTP" : "WebSocket"}`));
  /** Brings the upgrade into a state of the table, and forgets how. */
  const reach = async (state) => {
    if (state === "idle") return;
    upgrade.start(plainHttp);
    if (state !== "waiting") await pass(WAIT_MS);
    plainHttp.isAnyKeyDown = state === "quiet";
    if (state === "quiet" || state === "draining") candidates[0].events.ontext("welcome");
    await settle();
    if (state === "draining") postpone("key");
    log.length = 0;
  };
  /** Returns the newest candidate. */
  const candidate = () => candidates.at(-1);
  return { upgrade, plainHttp, candidates, candidate, pass, reach, postpone, log, take: () => log.splice(0) };
}

/** Lets the wait pass, and returns what happened: nothing if the upgrade is idle. */
async function tries({ pass, take }) {
  take();
  await pass(WAIT_MS);
  return take();
}

/** For each row by its number: makes the event happen, and checks everything up to the next state. */
const ROWS = {
  1: async (it) => {
    it.upgrade.start(it.plainHttp);
    await it.pass(WAIT_MS - 50);
    assert.deepEqual(it.take(), []);
    assert.deepEqual(await tries(it), ["open"]);
  },
  2: async (it) => {
    await it.pass(WAIT_MS);
    assert.deepEqual(it.take(), ["open"]);
    it.candidate().events.onopen(); // It says no Hello, because the gateway would end the session.
    await it.pass(60_000);
    assert.deepEqual(it.take(), []);
  },
  3: async (it) => {
    it.plainHttp.isAnyKeyDown = true;
    it.candidate().events.ontext("welcome");
    await it.pass(1000);
    assert.deepEqual([it.take(), it.upgrade.isDraining], [[], false]);
  },
  4: async (it) => {
    it.plainHttp.isAnyKeyDown = false;
    await it.pass(100);
    assert.deepEqual([it.take(), it.upgrade.isDraining], [[`drain ${INPUT_AGE_MS}`], true]);
    it.postpone("key");
    await it.pass(100);
    assert.deepEqual(it.take(), []);
  },
  5: async (it) => {
    await it.pass(4900);
    assert.deepEqual(it.take(), []);
    await it.pass(150);
    assert.deepEqual([it.take(), it.candidate().isClosed], [["close"], true]);
    assert.deepEqual(await tries(it), ["open"]);
  },
  6: async (it) => {
    it.candidate().events.onbinary(new ArrayBuffer(1));
    it.plainHttp.drained(true);
    await settle();
    assert.deepEqual(it.take(), ["abandon", "upgrade", "text welcome", "binary", "key by WebSocket"]);
    it.candidate().events.ontext("later");
    it.candidate().events.onclosed(1006);
    assert.deepEqual([it.take(), it.upgrade.isDraining], [["text later", "closed 1006"], false]);
    assert.deepEqual(await tries(it), []);
  },
  7: async (it) => {
    it.plainHttp.drained(false);
    await settle();
    assert.deepEqual([it.take(), it.upgrade.isDraining], [["key by HTTP", "close"], false]);
    assert.deepEqual(await tries(it), ["open"]);
  },
  8: async (it, state) => {
    const candidate = it.candidate();
    if (candidate === undefined) return; // In this state there is none.
    candidate.isClosed = true;
    candidate.events.onclosed(1006);
    it.plainHttp.isAnyKeyDown = false;
    if (state === "draining") it.plainHttp.drained(true);
    await settle();
    const waited = state === "draining" ? ["key by HTTP"] : [];
    assert.deepEqual(it.take().filter((what) => what !== "close"), waited);
    assert.equal(it.upgrade.isDraining, false);
    assert.deepEqual(await tries(it), ["open"]);
  },
  9: async (it, state) => {
    it.upgrade.stop();
    it.plainHttp.isAnyKeyDown = false;
    it.plainHttp.drained?.(true);
    await settle();
    const hasCandidate = ["trying", "quiet", "draining"].includes(state);
    assert.deepEqual([it.take(), it.upgrade.isDraining], [hasCandidate ? ["close"] : [], false]);
    assert.deepEqual(await tries(it), []);
  },
};
const STATES = ["idle", "waiting", "trying", "quiet", "draining"];

describe("the table at the top of upgrade.js", () => {
  const rows = tableOf("transport/upgrade.js").map(([state, event]) => ({ state, event, number: parseInt(event, 10) }));

  test("has a test for each of its rows", () => {
    assert.deepEqual(rows.map(({ number }) => String(number)), Object.keys(ROWS));
  });

  for (const { state, event, number } of rows) {
    for (const from of state === "any" ? STATES : [state]) {
      test(`${from}, ${event}`, async (context) => {
        const it = setUp(context);
        await it.reach(from);
        await ROWS[number](it, from);
      });
    }
  }
});

test("another plain HTTP transport begins the wait anew, and the old one's change is off", async (context) => {
  const it = setUp(context);
  await it.reach("draining");
  const { drained } = it.plainHttp;
  it.upgrade.start({ ...it.plainHttp });
  assert.deepEqual([it.take(), it.upgrade.isDraining], [["close"], false]);
  drained(true);
  await settle();
  assert.deepEqual(it.take(), []);
  assert.deepEqual(await tries(it), ["open"]);
});
