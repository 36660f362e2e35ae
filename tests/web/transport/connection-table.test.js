/** Tests the table at the top of connection.js: each row, from each state that it names. */

import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";

import { CloseCode } from "../../../services/gateway/fanlight_gateway/web/protocol/constants.js";
import { Connection } from "../../../services/gateway/fanlight_gateway/web/transport/connection.js";
import { MIN_MS } from "../../../services/gateway/fanlight_gateway/web/transport/retry-wait.js";
import { RETRY_MIN_MS } from "../../../services/gateway/fanlight_gateway/web/transport/selection.js";
import { ABNORMAL_CLOSURE } from "../../../services/gateway/fanlight_gateway/web/transport/transport.js";
import { tableOf } from "../tables.js";

const real = { fetch: globalThis.fetch, WebSocket: globalThis.WebSocket };
const WELCOME = JSON.stringify({ welcome: { protocol: 2, desk: "main", role: "view", settings: {} } });
const settle = async () => {
  for (let turn = 0; turn < 8; turn++) await new Promise((resolve) => setImmediate(resolve));
};

afterEach(() => Object.assign(globalThis, real));

/** Returns a connection whose WebSockets and requests the test answers. */
function setUp(context) {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  context.mock.method(Math, "random", () => 1);
  const it = { now_ms: 0, sockets: [], requests: [], changes: [], opened: [] };
  globalThis.WebSocket = Object.assign(
    function () {
      const socket = {
        readyState: 0,
        bufferedAmount: 0,
        sent: [],
        send: (message) => socket.sent.push(message),
        close: () => (socket.readyState = 3),
        open: () => {
          socket.readyState = 1;
          socket.onopen();
        },
        cut: (code = ABNORMAL_CLOSURE) => {
          socket.readyState = 3;
          socket.onclose({ code });
        },
      };
      it.sockets.push(socket);
      return socket;
    },
    { OPEN: 1 },
  );
  globalThis.fetch = (url, { method }) =>
    new Promise((resolve) => it.requests.push({ method, path: url.pathname, resolve }));
  it.connection = new Connection({
    webSocketUrl: new URL("ws://desk/stream"),
    httpUrl: new URL("http://desk/http"),
    now: () => it.now_ms,
    hello: () => ({ type: "Hello", viewer: "v", video_enabled: true, keyframes_only: false }),
    expectsPicture: () => true,
    onopen: (isContinued) => it.opened.push(isContinued),
    onbinary: () => undefined,
    ontext: () => undefined,
    onchange: () => it.changes.push(it.connection.state),
  });
  it.socket = () => it.sockets.at(-1);
  it.pass = async (ms) => {
    for (let left = ms; left > 0; left -= 50) {
      it.now_ms += Math.min(50, left);
      context.mock.timers.tick(Math.min(50, left));
      await settle();
    }
  };
  return it;
}

/**
 * Brings a connection into a state, and forgets how.
 *
 * @param failures  how many WebSockets fail before that; after the second, plain HTTP is next
 */
async function reach(it, state, failures = 0) {
  const { connection } = it;
  if (state === "closed") connection.close();
  else connection.connect();
  for (let count = 0; count < (state === "open (HTTP)" ? 2 : failures); count++) {
    it.socket().cut();
    await it.pass(MIN_MS);
  }
  if (state === "waiting") it.socket().cut();
  if (state === "open") it.socket().open();
  if (state === "open (HTTP)") {
    it.requests[0].resolve(Response.json({ session: "s", long_poll_ms: 20_000, welcome: {} }));
    await settle();
  }
  assert.equal(connection.state, state.split(" ")[0]);
  assert.equal(connection.carriesVideo, state !== "open (HTTP)");
  it.changes.length = it.opened.length = 0;
  const before = { sockets: it.sockets.length, requests: it.requests.length };
  it.newSockets = () => it.sockets.slice(before.sockets);
  it.newRequests = () => it.requests.slice(before.requests).map(({ method }) => method);
}

/** Returns whether the transport of this state was left. In `waiting` and `closed` there is none. */
function isLeft(it, from, socket) {
  if (from === "open (HTTP)") return it.newRequests().includes("DELETE");
  return from === "waiting" || from === "closed" || socket.readyState === 3;
}

/** Returns how often Hello was said over a WebSocket. */
const hellos = (socket) => socket.sent.filter((message) => /^\{"hello":/.test(message)).length;

/** For each row by its number: makes the event happen, in each form. only: in these states. */
const ROWS = {
  1: ["connect", "connectNow"].map((name) => ({
    fire: async (it, from) => {
      await reach(it, from);
      const socket = it.socket();
      const wait_ms = it.connection.retry_in_ms ?? 0;
      it.connection[name]();
      assert.ok(isLeft(it, from, socket));
      const opened = it.newRequests().filter((method) => method === "POST").length;
      assert.equal(it.newSockets().length + opened, 1);
      assert.equal(it.connection.retry_in_ms, null);
      await it.pass(wait_ms + 50);
      assert.deepEqual(it.changes, ["connecting"], "no retry timer is left");
    },
  })),
  2: [
    {
      fire: async (it, from) => {
        await reach(it, from);
        it.socket().open();
        assert.deepEqual([hellos(it.socket()), it.opened], [1, [false]]);
      },
    },
  ],
  3: [
    {
      fire: async (it, from) => {
        await reach(it, from);
        await it.pass(RETRY_MIN_MS);
        const [webSocket] = it.newSockets();
        webSocket.open();
        assert.deepEqual([hellos(webSocket), it.opened, it.changes], [0, [], []]);
        webSocket.onmessage({ data: WELCOME });
        await settle();
        assert.deepEqual([hellos(webSocket), it.opened], [1, [true]]);
        assert.equal(it.connection.transportName, "websocket");
      },
    },
  ],
  4: [
    {
      fire: async (it, from) => {
        await reach(it, from, 1);
        it.socket().cut();
        assert.deepEqual([it.newSockets(), it.newRequests()], [[], ["POST"]]);
      },
    },
  ],
  5: [
    {
      fire: async (it, from) => {
        await reach(it, from);
        it.socket().cut();
        const { retry_in_ms, closeCode } = it.connection;
        assert.deepEqual([retry_in_ms, closeCode], [MIN_MS, ABNORMAL_CLOSURE]);
        assert.deepEqual([it.newSockets(), it.newRequests()], [[], []]);
      },
    },
  ],
  6: [
    {
      fire: async (it, from) => {
        await reach(it, from);
        it.connection.silent();
        assert.ok(isLeft(it, from, it.socket()));
        assert.equal(it.connection.retry_in_ms, MIN_MS);
      },
    },
  ],
  7: [
    {
      fire: async (it, from) => {
        await reach(it, from);
        await it.pass(MIN_MS - 1);
        assert.deepEqual([it.newSockets(), it.changes], [[], []]);
        await it.pass(1);
        assert.equal(it.newSockets().length, 1);
      },
    },
  ],
  8: [
    {
      fire: async (it, from) => {
        await reach(it, from);
        const socket = it.socket();
        it.connection.close(CloseCode.UNAUTHORIZED);
        assert.ok(isLeft(it, from, socket));
        assert.equal(it.connection.closeCode, CloseCode.UNAUTHORIZED);
        await it.pass(10_000);
        assert.deepEqual([it.newSockets(), it.changes], [[], ["closed"]]);
      },
    },
    {
      only: ["connecting", "open", "open (HTTP)"],
      fire: async (it, from) => {
        await reach(it, from);
        const code = CloseCode.REPLACED;
        if (from === "open (HTTP)") {
          const answer = Response.json({ error: "x", message: "y", code }, { status: 410 });
          it.requests.find(({ method }) => method === "GET").resolve(answer);
          await settle();
        } else {
          it.socket().cut(code);
        }
        assert.equal(it.connection.closeCode, code);
        await it.pass(10_000);
        assert.deepEqual([it.newSockets(), it.newRequests()], [[], []]);
        assert.deepEqual(it.changes, ["closed"]);
      },
    },
  ],
};
const STATES = ["connecting", "open", "open (HTTP)", "waiting", "closed"];

describe("the table at the top of connection.js", () => {
  const rows = tableOf("transport/connection.js").map(([states, event, next, effects]) => ({
    states: states === "any" ? STATES : states.split(", "),
    event: `${event}: ${effects}`,
    next,
    number: parseInt(event, 10),
  }));

  test("has a test for each of its rows", () => {
    assert.deepEqual(rows.map(({ number }) => String(number)), Object.keys(ROWS));
  });

  for (const { states, event, next, number } of rows) {
    for (const from of states) {
      ROWS[number].forEach(({ fire, only = STATES }, variant) => {
        if (!only.includes(from)) return;
        test(`${from}, ${event} (${variant + 1})`, async (context) => {
          const it = setUp(context);
          await fire(it, from);
          assert.equal(it.connection.state, next);
          assert.equal(it.changes.at(-1), next, "`onchange` was called");
        });
      });
    }
  }
});
