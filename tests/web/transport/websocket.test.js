/** Tests a WebSocket as a transport: each row of the table at the top of websocket.js. */

import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";

import { CloseCode } from "../../../services/gateway/fanlight_gateway/web/protocol/constants.js";
import { ABNORMAL_CLOSURE } from "../../../services/gateway/fanlight_gateway/web/transport/transport.js";
import { FIRST_MESSAGE_TIMEOUT_MS, WebSocketTransport } from "../../../services/gateway/fanlight_gateway/web/transport/websocket.js";
import { tableOf } from "../tables.js";

const real = globalThis.WebSocket;

afterEach(() => {
  globalThis.WebSocket = real;
});

/** Returns a transport that opens, on a socket that the test drives. */
function setUp(context) {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const it = { now_ms: 0, log: [], isOpen: false, tick: (ms) => context.mock.timers.tick(ms) };
  it.socket = { readyState: 0, bufferedAmount: 0, close: () => (it.socket.readyState = 3) };
  globalThis.WebSocket = Object.assign(
    function () {
      return it.socket;
    },
    { OPEN: 1 },
  );
  it.transport = new WebSocketTransport(
    { url: new URL("ws://desk/stream"), now: () => it.now_ms },
    {
      onopen: () => {
        it.isOpen = true;
        it.log.push("open");
      },
      ontext: () => it.log.push("text"),
      onbinary: () => it.log.push("binary"),
      onclosed: (code) => it.log.push(`closed ${code}`),
    },
  );
  it.transport.open();
  return it;
}

function reach(it, state) {
  if (state === "open") {
    it.socket.readyState = 1;
    it.socket.onopen();
  }
  if (state === "closed") it.transport.close();
  it.log.length = 0;
}

/** For each row by its number: makes the event happen, and checks what it does. */
const ROWS = {
  1: (it) => {
    it.socket.readyState = 1;
    it.socket.onopen();
    assert.deepEqual(it.log, ["open"]);
  },
  2: (it) => {
    it.now_ms = 7;
    it.socket.onmessage({ data: "{}" });
    it.tick(2 * FIRST_MESSAGE_TIMEOUT_MS);
    assert.deepEqual([it.log, it.transport.firstMessage_ms], [["text"], 7]);
  },
  3: (it) => {
    it.socket.onmessage({ data: "{}" });
    it.now_ms = 7;
    it.socket.onmessage({ data: new ArrayBuffer(1) });
    assert.deepEqual([it.log, it.transport.firstMessage_ms], [["text", "binary"], 0]);
  },
  4: (it) => {
    it.tick(FIRST_MESSAGE_TIMEOUT_MS - 1);
    assert.deepEqual([it.log, it.transport.isClosed], [[], false]);
    it.tick(1);
    assert.deepEqual([it.log, it.socket.readyState], [[`closed ${ABNORMAL_CLOSURE}`], 3]);
  },
  5: (it) => {
    it.socket.onclose({ code: CloseCode.REPLACED });
    it.tick(2 * FIRST_MESSAGE_TIMEOUT_MS);
    assert.deepEqual(it.log, [`closed ${CloseCode.REPLACED}`]);
  },
  6: (it) => {
    it.transport.close();
    assert.equal(it.socket.readyState, 3);
    it.socket.onopen();
    it.socket.onmessage({ data: "{}" });
    it.socket.onclose({ code: CloseCode.REPLACED });
    it.tick(2 * FIRST_MESSAGE_TIMEOUT_MS);
    assert.deepEqual(it.log, [], "no event comes after it");
  },
};
const STATES = ["opening", "open", "closed"];

describe("the table at the top of websocket.js", () => {
  const rows = tableOf("transport/websocket.js");

  test("has a test for each of its rows", () => {
    assert.deepEqual(rows.map(([, event]) => String(parseInt(event, 10))), Object.keys(ROWS));
  });

  for (const [states, event, next] of rows) {
    for (const from of states === "any" ? STATES : states.split(", ")) {
      test(`${from}, ${event}`, (context) => {
        const it = setUp(context);
        reach(it, from);
        ROWS[parseInt(event, 10)](it);
        const state = it.transport.isClosed ? "closed" : it.isOpen ? "open" : "opening";
        assert.equal(state, next);
      });
    }
  }
});
