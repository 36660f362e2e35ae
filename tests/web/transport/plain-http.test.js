/** Tests plain HTTP: each row of the table at the top of plain-http.js, and when failures end it. */

import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";

import { decodeBatch, encodeBatch } from "../../../services/gateway/fanlight_gateway/web/protocol/batches.js";
import { CloseCode } from "../../../services/gateway/fanlight_gateway/web/protocol/constants.js";
import { LOST_MS, PlainHttpTransport } from "../../../services/gateway/fanlight_gateway/web/transport/plain-http.js";
import { ABNORMAL_CLOSURE } from "../../../services/gateway/fanlight_gateway/web/transport/transport.js";
import { tableOf } from "../tables.js";

const LONG_POLL_MS = 20_000;
const OPENED = JSON.stringify({ session: "s", long_poll_ms: LONG_POLL_MS, welcome: {} });
const { fetch } = globalThis;

afterEach(() => Object.assign(globalThis, { fetch }));

/** Returns a transport whose requests the test answers. */
function transport(context) {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const requests = [];
  const closed = [];
  const log = [];
  let now_ms = 0;
  globalThis.fetch = (url, { method, body: sent }) =>
    new Promise((resolve, reject) => {
      requests.push({
        url,
        method,
        sent,
        answer: (body, init) => resolve(new Response(body, init)),
        fail: () => reject(new TypeError("network")),
      });
    });
  const settle = async () => {
    for (let turn = 0; turn < 6; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  const pass = async (ms) => {
    await settle();
    now_ms += ms;
    context.mock.timers.tick(ms);
    await settle();
  };
  const http = new PlainHttpTransport(
    {
      url: new URL("http://desk/http"),
      now: () => now_ms,
      hello: () => ({ type: "SetFocus", focused: true }),
    },
    {
      onopen: () => log.push("open"),
      ontext: (text) => log.push(Object.keys(JSON.parse(text))[0]),
      onbinary: () => log.push("binary"),
      onclosed: (code) => {
        closed.push(code);
        log.push(`closed ${code}`);
      },
    },
  );
  http.open();
  return { http, requests, closed, log, pass };
}

test("one failure after a long poll does not end it; failures for long do", async (context) => {
  const { requests, closed, pass } = transport(context);
  requests[0].answer(OPENED);
  await pass(0);
  await pass(LONG_POLL_MS);
  requests[1].fail();
  await pass(0);
  assert.deepEqual(closed, []);
  await pass(100);
  assert.equal(requests.length, 3);
  requests[2].answer(new Uint8Array());
  await pass(LONG_POLL_MS);
  assert.equal(requests.length, 4);
  for (let waited_ms = 0; waited_ms <= LOST_MS; waited_ms += 1000) {
    assert.deepEqual(closed, []);
    requests.at(-1).fail();
    await pass(1000);
  }
  requests.at(-1).fail();
  await pass(0);
  assert.deepEqual(closed, [1006]);
});

describe("the table at the top of plain-http.js", () => {
  const KEY = { type: "Key", down: true, usage: 4 };
  const STATES = ["opening", "open", "closed"];

  /** Brings a transport into a state, and forgets how. */
  async function reach(it, state) {
    if (state === "open") {
      it.requests[0].answer(OPENED);
      await it.pass(0);
    }
    if (state === "closed") it.http.abandon();
    it.log.length = 0;
    const before = it.requests.length;
    it.newRequests = () => it.requests.slice(before);
  }
  const stateOf = ({ http }) => {
    if (http.isClosed) return "closed";
    return http.firstMessage_ms === null ? "opening" : "open";
  };
  const isPost = ({ url }) => url.search.startsWith("?first=");
  /** Returns the request that waits at the gateway for messages. */
  const poll = ({ requests }) => requests.findLast(({ method }) => method === "GET");
  const refusal = (status, more) => [JSON.stringify({ error: "x", message: "y", ...more }), { status }];
  /** Answers a request, and checks how the transport ends. */
  const endsBy = (request, answer, code) => async (it) => {
    request(it).answer(...answer);
    await it.pass(0);
    assert.deepEqual(it.log, [`closed ${code}`]);
  };
  const opening = ({ requests }) => requests[0];
  const failsOnce = (request, fail) => async (it) => {
    const first = request(it);
    const count = it.requests.length;
    fail(first);
    await it.pass(0);
    assert.equal(it.requests.length, count);
    await it.pass(100);
    const second = it.requests.at(-1);
    assert.notEqual(second, first);
    assert.deepEqual([second.method, second.url.href], [first.method, first.url.href]);
    assert.deepEqual([second.sent, it.log], [first.sent, []]);
  };
  const failures = [(request) => request.fail(), (request) => request.answer("", { status: 502 })];

  /** For each row by its number: makes the event happen, in each of its forms. */
  const ROWS = {
    1: [
      async (it) => {
        it.requests[0].answer(OPENED);
        await it.pass(0);
        assert.deepEqual(it.log, ["open", "welcome"]);
        assert.deepEqual(it.newRequests().map(({ url }) => url.href), ["http://desk/http/s?after=0"]);
        it.http.send(KEY);
        await it.pass(0);
        assert.equal(it.newRequests().filter(isPost).length, 1);
      },
    ],
    2: [
      endsBy(opening, refusal(403), CloseCode.FORBIDDEN),
      endsBy(opening, refusal(404, { code: CloseCode.NO_SUCH_DESK }), CloseCode.NO_SUCH_DESK),
      endsBy(opening, ["<html>", { status: 200 }], ABNORMAL_CLOSURE),
      async (it) => {
        it.requests[0].fail();
        await it.pass(0);
        assert.deepEqual(it.log, [`closed ${ABNORMAL_CLOSURE}`]);
      },
    ],
    3: [
      async (it, from) => {
        it.http.send(KEY);
        it.http.sendControl({ type: "RequestIdr" });
        await it.pass(0);
        assert.equal(it.newRequests().filter(isPost).length, from === "open" ? 1 : 0);
        assert.equal(it.http.bufferedAmount, 1);
      },
    ],
    4: [
      async (it) => {
        const [first, second] = ['{"desk":{}}', '{"clipboard":{}}'];
        poll(it).answer(encodeBatch([first]), { headers: { "X-Fanlight-First": "1" } });
        await it.pass(0);
        assert.deepEqual([it.log, poll(it).url.search], [["desk"], "?after=1"]);
        poll(it).answer(encodeBatch([first, second]), { headers: { "X-Fanlight-First": "1" } });
        await it.pass(0);
        assert.deepEqual([it.log, poll(it).url.search], [["desk", "clipboard"], "?after=2"]);
      },
    ],
    5: failures.flatMap((fail) => [
      failsOnce(poll, fail),
      async (it) => {
        it.http.send(KEY);
        await it.pass(0);
        await failsOnce(({ requests }) => requests.find(isPost), fail)(it);
      },
    ]),
    6: [
      async (it) => {
        for (let waited_ms = 0; waited_ms <= LOST_MS; waited_ms += 1000) {
          poll(it).fail();
          await it.pass(1000);
          assert.deepEqual(it.log, []);
        }
        poll(it).fail();
        await it.pass(0);
        assert.deepEqual(it.log, [`closed ${ABNORMAL_CLOSURE}`]);
      },
    ],
    7: [
      endsBy(poll, refusal(410, { code: CloseCode.REPLACED }), CloseCode.REPLACED),
      endsBy(poll, refusal(401), CloseCode.UNAUTHORIZED),
      endsBy(poll, refusal(403), CloseCode.FORBIDDEN),
    ],
    8: [
      async (it, from) => {
        it.http.close();
        await it.pass(LOST_MS);
        const told = it.newRequests().map(({ method, url }) => `${method} ${url.pathname}`);
        assert.deepEqual([told, it.log], [from === "open" ? ["DELETE /http/s"] : [], []]);
      },
    ],
    9: [
      async (it) => {
        it.http.abandon();
        await it.pass(LOST_MS);
        assert.deepEqual([it.newRequests(), it.log], [[], []]);
      },
    ],
  };
  const rows = tableOf("transport/plain-http.js");

  test("has a test for each of its rows", () => {
    assert.deepEqual(rows.map(([, event]) => String(parseInt(event, 10))), Object.keys(ROWS));
  });

  for (const [states, event, next] of rows) {
    for (const from of states === "any" ? STATES : states.split(", ")) {
      ROWS[parseInt(event, 10)].forEach((fire, variant) => {
        test(`${from}, ${event} (${variant + 1})`, async (context) => {
          const it = transport(context);
          await reach(it, from);
          await fire(it, from);
          assert.equal(stateOf(it), next === "as before" ? from : next);
          it.http.abandon();
        });
      });
    }
  }

  test("3: what is sent while it opens goes out with the session, and is kept until it is handled", async (context) => {
    const it = transport(context);
    it.http.send(KEY);
    it.http.sendControl({ type: "RequestIdr" });
    it.requests[0].answer(OPENED);
    await it.pass(0);
    const post = it.requests.find(isPost);
    assert.deepEqual([post.url.search, [...decodeBatch(post.sent)].length], ["?first=1", 2]);
    post.answer(encodeBatch([]), { headers: { "X-Fanlight-Handled": "1" } });
    await it.pass(0);
    const again = it.requests.findLast(isPost);
    assert.deepEqual([again.url.search, it.http.bufferedAmount], ["?first=2", 1]);
    again.answer(encodeBatch([]), { headers: { "X-Fanlight-Handled": "2" } });
    await it.pass(0);
    assert.equal(it.http.bufferedAmount, 0);
    it.http.abandon();
  });
});
