/** Tests what becomes of requests in flight when answers fail or the network was away. */

import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";

import { DEFAULTS } from "../../../services/gateway/fanlight_gateway/web/protocol/settings.js";
import { ScreenshotFetcher } from "../../../services/gateway/fanlight_gateway/web/screenshots/fetcher.js";
import { tableOf } from "../tables.js";

const settle = () => new Promise((resolve) => setImmediate(resolve));
const real = { fetch: globalThis.fetch, createImageBitmap: globalThis.createImageBitmap };

/** Returns a fetcher whose requests the test answers. */
function screenshots(context) {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const requests = [];
  const log = [];
  let now_ms = 0;
  globalThis.createImageBitmap = async () => ({ close() {} });
  globalThis.fetch = (url, { signal, headers }) =>
    new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
      const answer = async (status, rest = {}) => {
        const bytes = status === 200 ? new Uint8Array(100) : null;
        resolve(new Response(bytes, { status, headers: rest }));
        for (let turn = 0; turn < 4; turn++) await settle();
      };
      const fail = async () => {
        reject(new TypeError("network"));
        for (let turn = 0; turn < 4; turn++) await settle();
      };
      requests.push({ url, signal, headers, answer, fail });
    });
  const fetcher = new ScreenshotFetcher({
    now: () => now_ms,
    settings: () => DEFAULTS,
    base_rtt_ms: () => 100,
    url: new URL("http://desk/screenshot"),
    viewer: "v",
    onpicture: () => log.push("picture"),
    onpatch: async () => {},
    onunchanged: () => log.push("unchanged"),
    onrefused: (status) => log.push(`refused ${status}`),
  });
  const pass = async (ms) => {
    now_ms += ms;
    context.mock.timers.tick(ms);
    await settle();
  };
  return { fetcher, requests, log, pass };
}

afterEach(() => Object.assign(globalThis, real));

describe("fetching screenshots", () => {
  test("after the network was away all is asked for anew, at once", async (context) => {
    const { fetcher, requests, pass } = screenshots(context);
    fetcher.start();
    await pass(0);
    await requests[0].answer(200, { ETag: "a" });
    for (let n = 0; n < 5; n++) await pass(100);
    const held = requests.slice(1);
    assert.equal(held.length, 3);
    assert.equal(held[0].headers["If-None-Match"], "a");
    fetcher.reconnected();
    await pass(0);
    assert.ok(held.every(({ signal }) => signal.aborted));
    const next = requests.slice(1 + held.length);
    assert.equal(next.length, 1);
    assert.deepEqual(next[0].headers, {});
    fetcher.stop();
  });

  test("a busy service is left alone, and the rest stays as it is", async (context) => {
    const { fetcher, requests, pass } = screenshots(context);
    fetcher.start();
    await pass(0);
    await requests[0].answer(200, { ETag: "a" });
    for (let n = 0; n < 5; n++) await pass(100);
    const { length } = requests;
    await requests[1].answer(503, { "Retry-After": "3" });
    await pass(2900);
    assert.equal(requests.length, length);
    assert.ok(requests.slice(2).every(({ signal }) => !signal.aborted));
    await pass(100);
    assert.equal(requests.length, length + 1);
    assert.equal(requests.at(-1).headers["If-None-Match"], "a");
    assert.equal(requests.at(-1).url.search, requests[1].url.search);
    await requests[2].answer(502);
    assert.ok(requests[3].signal.aborted);
    fetcher.stop();
  });

  test("what failed while the network was away does not hold the next request up", async (context) => {
    const { fetcher, requests, pass } = screenshots(context);
    fetcher.start();
    await pass(0);
    for (let n = 0; n < 6; n++) {
      await requests.at(-1).fail();
      await pass(10_000);
    }
    const { length } = requests;
    await requests.at(-1).fail();
    await pass(1000);
    assert.equal(requests.length, length);
    fetcher.reconnected();
    await pass(0);
    assert.equal(requests.length, length + 1);
    fetcher.stop();
    fetcher.reconnected();
    await pass(60_000);
    assert.equal(requests.length, length + 1);
  });
});

describe("the table at the top of fetcher.js", () => {
  /** Brings a fetcher into a state; running, it has a picture, and three requests in flight. */
  async function reach(it, state) {
    if (state === "stopped") return;
    it.fetcher.start();
    await it.pass(0);
    await it.requests[0].answer(200, { ETag: "a" });
    for (let n = 0; n < 5; n++) await it.pass(100);
    it.log.length = 0;
  }
  const inFlight = ({ requests }) => requests.slice(1).filter(({ signal }) => !signal.aborted);
  /** A fetcher that runs asks for a full picture after `lost`; one that is stopped does not. */
  const stateOf = async (it) => {
    const before = it.requests.length;
    it.fetcher.lost();
    await it.pass(10_000);
    return it.requests.length > before ? "running" : "stopped";
  };
  /** Checks that all requests of before are aborted, and that one goes out that names no picture. */
  async function beginsAnew(it, fire, wait_ms = 0) {
    const before = inFlight(it);
    assert.equal(before.length, 3);
    const { length } = it.requests;
    await fire(before[0]);
    await it.pass(wait_ms);
    assert.ok(before.slice(1).every(({ signal }) => signal.aborted));
    const next = it.requests.slice(length);
    assert.deepEqual(next.map(({ headers }) => headers), [{}]);
  }
  /** For each row by its number: makes the event happen, in each of its forms. */
  const ROWS = {
    1: [
      async (it) => {
        it.fetcher.start();
        await it.pass(0);
        assert.deepEqual(it.requests.map(({ headers }) => headers), [{}]);
      },
    ],
    2: [
      { status: 200, headers: { ETag: "b", "X-Fanlight-Base": "a" }, told: "picture", tag: "b" },
      { status: 304, headers: {}, told: "unchanged", tag: "a" },
    ].map(({ status, headers, told, tag }) => async (it) => {
      const before = inFlight(it);
      await before[0].answer(status, headers);
      await it.pass(1000);
      assert.deepEqual(it.log, [told]);
      assert.ok(before.slice(1).every(({ signal }) => !signal.aborted));
      assert.equal(it.requests.length, 5);
      assert.equal(it.requests.at(-1).headers["If-None-Match"], tag);
    }),
    3: [
      (it) => beginsAnew(it, (request) => request.fail(), 1000),
      (it) => beginsAnew(it, (request) => request.answer(502), 1000),
      async (it) => {
        // Each answer builds on one that never comes, until too many wait.
        const [first, second, third] = inFlight(it);
        await first.answer(200, { ETag: "c", "X-Fanlight-Base": "b" });
        await second.answer(200, { ETag: "d", "X-Fanlight-Base": "c" });
        assert.deepEqual(it.log, []);
        assert.equal(third.signal.aborted, false);
        for (let answers = 0; answers < 9; answers++) {
          await it.pass(200);
          const request = it.requests.findLast((each) => !each.signal.aborted && !each.isAnswered);
          request.isAnswered = true;
          await request.answer(200, { ETag: `e${answers}`, "X-Fanlight-Base": `lost${answers}` });
        }
        await it.pass(1000);
        assert.equal(third.signal.aborted, true);
        assert.deepEqual([it.log, it.requests.at(-1).headers], [[], {}]);
      },
    ],
    4: [
      async (it) => {
        const before = inFlight(it);
        const { length } = it.requests;
        await before[0].answer(503, { "Retry-After": "3" });
        await it.pass(2900);
        assert.ok(before.slice(1).every(({ signal }) => !signal.aborted));
        assert.equal(it.requests.length, length);
        await it.pass(100);
        assert.equal(it.requests.at(-1).headers["If-None-Match"], "a");
      },
    ],
    5: [
      (it) => beginsAnew(it, () => it.fetcher.lost(), 100),
      (it) => beginsAnew(it, () => it.fetcher.reconnected()),
    ],
    6: [401, 403].map((status) => async (it) => {
      await beginsAnew(it, (request) => request.answer(status), 1000);
      assert.deepEqual(it.log, [`refused ${status}`]);
    }),
    7: [
      async (it) => {
        const before = inFlight(it);
        const { length } = it.requests;
        it.fetcher.stop();
        await it.pass(60_000);
        assert.ok(before.every(({ signal }) => signal.aborted));
        assert.equal(it.requests.length, length);
      },
    ],
  };
  const rows = tableOf("screenshots/fetcher.js");

  test("has a test for each of its rows", () => {
    assert.deepEqual(rows.map(([, event]) => String(parseInt(event, 10))), Object.keys(ROWS));
  });

  for (const [state, event, next] of rows) {
    for (const from of state === "any" ? ["stopped", "running"] : [state]) {
      ROWS[parseInt(event, 10)].forEach((fire, variant) => {
        test(`${from}, ${event} (${variant + 1})`, async (context) => {
          const it = screenshots(context);
          await reach(it, from);
          await fire(it);
          assert.equal(await stateOf(it), next);
          it.fetcher.stop();
        });
      });
    }
  }
});
