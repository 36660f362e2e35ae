/** Plain HTTP: when requests that fail end it. */

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { PlainHttpTransport } from "../../../services/gateway/fanlight_gateway/web/transport/plain-http.js";
import { DEFAULTS } from "../../../services/gateway/fanlight_gateway/web/protocol/settings.js";

const HOLD_MS = 20_000;
const OPENED = JSON.stringify({ session: "s", hold_ms: HOLD_MS, welcome: {} });
const { fetch } = globalThis;

afterEach(() => Object.assign(globalThis, { fetch }));

/** A transport whose requests are answered by the test. */
function transport(context) {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const requests = [];
  const closed = [];
  let now_ms = 0;
  globalThis.fetch = (url) =>
    new Promise((resolve, reject) => {
      requests.push({
        url,
        answer: (body) => resolve(new Response(body)),
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
      settings: () => DEFAULTS,
      hello: () => ({ type: "SetFocus", focused: true }),
    },
    {
      onopen: () => {},
      ontext: () => {},
      onbinary: () => {},
      onclosed: (code) => closed.push(code),
    },
  );
  http.open();
  return { http, requests, closed, pass };
}

test("one failure after a long hold does not end it; failures for long do", async (context) => {
  const { requests, closed, pass } = transport(context);
  requests[0].answer(OPENED);
  await pass(0);
  await pass(HOLD_MS);
  requests[1].fail();
  await pass(0);
  assert.deepEqual(closed, []);
  await pass(100);
  assert.equal(requests.length, 3);
  requests[2].answer(new Uint8Array());
  await pass(HOLD_MS);
  assert.equal(requests.length, 4);
  for (let waited_ms = 0; waited_ms <= DEFAULTS.http_lost_ms; waited_ms += 1000) {
    assert.deepEqual(closed, []);
    requests.at(-1).fail();
    await pass(1000);
  }
  requests.at(-1).fail();
  await pass(0);
  assert.deepEqual(closed, [1006]);
});
