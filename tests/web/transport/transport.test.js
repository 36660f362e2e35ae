/** Tests the rules of transport.js with both transports. */

import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";

import { PlainHttpTransport } from "../../../services/gateway/fanlight_gateway/web/transport/plain-http.js";
import { ABNORMAL_CLOSURE } from "../../../services/gateway/fanlight_gateway/web/transport/transport.js";
import { WebSocketTransport } from "../../../services/gateway/fanlight_gateway/web/transport/websocket.js";

const real = { fetch: globalThis.fetch, WebSocket: globalThis.WebSocket };
const settle = async () => {
  for (let turn = 0; turn < 8; turn++) await new Promise((resolve) => setImmediate(resolve));
};
const KEY = { type: "Key", down: true, usage: 4 };
const HELLO = { type: "Hello", viewer: "v", video_enabled: true, keyframes_only: false };
const WELCOME = { protocol: 1, desk: "main", role: "control", settings: {} };

afterEach(() => Object.assign(globalThis, real));

/** Fakes a gateway that is reached by a WebSocket. */
function webSocket(events) {
  const sent = [];
  let socket;
  globalThis.WebSocket = Object.assign(
    function () {
      socket = {
        readyState: 0,
        bufferedAmount: 0,
        send: (message) => sent.push(message),
        close: () => (socket.readyState = 3),
      };
      return socket;
    },
    { OPEN: 1 },
  );
  const options = { url: new URL("ws://desk/stream"), now: () => 7 };
  return {
    sent,
    transport: new WebSocketTransport(options, events),
    async open() {
      socket.readyState = 1;
      socket.onopen();
      socket.onmessage({ data: JSON.stringify({ welcome: WELCOME }) });
    },
    async say(text) {
      socket.onmessage({ data: text });
    },
    async fail() {
      socket.onclose({ code: ABNORMAL_CLOSURE });
    },
  };
}

/** Fakes the same gateway, reached by plain HTTP. */
function plainHttp(events) {
  const sent = [];
  const requests = [];
  globalThis.fetch = (url, { method, body }) => {
    if (method === "POST" && url.search) sent.push(body);
    return new Promise((resolve, reject) => requests.push({ resolve, reject }));
  };
  const options = {
    url: new URL("http://desk/http"),
    now: () => 7,
    hello: () => HELLO,
  };
  return {
    sent,
    transport: new PlainHttpTransport(options, events),
    async open() {
      requests[0].resolve(Response.json({ session: "s", long_poll_ms: 20_000, welcome: WELCOME }));
      await settle();
    },
    async say(text) {
      const bytes = new TextEncoder().encode(text);
      const batch = new Uint8Array(5 + bytes.length);
      new DataView(batch.buffer).setUint32(0, bytes.length, true);
      batch[4] = 2;
      batch.set(bytes, 5);
      requests[1].resolve(new Response(batch, { headers: { "X-Fanlight-First": "1" } }));
      await settle();
    },
    async fail() {
      requests.at(-1).reject(new TypeError("no network"));
      await settle();
    },
  };
}

for (const [name, make] of [
  ["a WebSocket", webSocket],
  ["plain HTTP", plainHttp],
]) {
  describe(name, () => {
    function setUp() {
      const log = [];
      const gateway = make({
        onopen: () => log.push("open"),
        ontext: (text) => log.push(Object.keys(JSON.parse(text))[0]),
        onbinary: () => log.push("binary"),
        onclosed: (code) => log.push(`closed ${code}`),
      });
      return { ...gateway, log };
    }

    test("says what it can", () => {
      const { transport } = setUp();
      assert.equal(transport.capabilities.carriesVideo, name === "a WebSocket");
      assert.equal(transport.capabilities.opensWithHello, name !== "a WebSocket");
      assert.ok(Object.isFrozen(transport.capabilities));
    });

    test("opens, then tells of messages, and knows when the first one came", async () => {
      const { transport, log, open, say } = setUp();
      assert.equal(transport.firstMessage_ms, null);
      transport.open();
      assert.deepEqual(log, []);
      await open();
      await say('{"desk":{}}');
      assert.deepEqual(log, ["open", "welcome", "desk"]);
      assert.equal(transport.firstMessage_ms, 7);
      transport.close();
    });

    test("ends once, also if it never opened", async () => {
      const { transport, log, fail } = setUp();
      transport.open();
      await fail();
      await fail();
      assert.deepEqual(log, [`closed ${ABNORMAL_CLOSURE}`]);
      assert.equal(transport.isClosed, true);
    });

    test("tells of nothing after it was closed, and drops what is sent then", async () => {
      const { transport, log, sent, open, say } = setUp();
      transport.open();
      await open();
      log.length = 0;
      transport.close();
      assert.equal(transport.isClosed, true);
      await say('{"desk":{}}');
      transport.send(KEY);
      transport.sendControl({ type: "RequestIdr" });
      await settle();
      assert.deepEqual([log, sent], [[], []]);
    });
  });
}
