/** Screenshots: what becomes of requests in flight when answers fail or the network was away. */

import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";

import { DEFAULTS } from "../../../services/gateway/fanlight_gateway/web/protocol/settings.js";
import { ScreenshotFetcher } from "../../../services/gateway/fanlight_gateway/web/screenshots/fetcher.js";

const settle = () => new Promise((resolve) => setImmediate(resolve));
const real = { fetch: globalThis.fetch, createImageBitmap: globalThis.createImageBitmap };

/** A fetcher whose requests are answered by the test. */
function screenshots(context) {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const requests = [];
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
    onpicture: () => {},
    onpatch: async () => {},
    onunchanged: () => {},
    onrefused: () => {},
  });
  const pass = async (ms) => {
    now_ms += ms;
    context.mock.timers.tick(ms);
    await settle();
  };
  return { fetcher, requests, pass };
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
