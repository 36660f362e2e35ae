/** Tests that messages go out in order, and that pointer moves wait for a busy connection. */

import assert from "node:assert/strict";
import { beforeEach, describe, mock, test } from "node:test";

import { Sender } from "../../../services/gateway/fanlight_gateway/web/transport/sender.js";

const KEY = { type: "Key", down: true, usage: 4 };
const AGAIN = { ...KEY, repeat: true };
const FOCUS = { type: "SetFocus", focused: false };
const move = (x) => ({ type: "PointerMove", x, y: 0 });
/** This is longer than the sender waits before it looks again at a busy connection (ms). */
const A_WHILE_MS = 100;

let sent;
let connection;
let isCongested;
let sender;

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
  sent = [];
  isCongested = false;
  connection = {
    state: "open",
    bufferedAmount: 0,
    send: (message) => sent.push(message),
    sendControl: (message) => sent.push(message),
  };
  sender = new Sender(connection, () => isCongested);
});

describe("a connection that is free", () => {
  test("gets everything at once, in order", () => {
    sender.input([move(1), KEY, move(2)]);
    sender.control(FOCUS);
    assert.deepEqual(sent, [move(1), KEY, move(2), FOCUS]);
  });

  test("but congested gets no repetition of a key", () => {
    isCongested = true;
    sender.input([KEY, AGAIN, move(1)]);
    assert.deepEqual(sent, [KEY, move(1)]);
  });
});

describe("a connection that is busy", () => {
  test("gets the newest position once it is free again", () => {
    connection.bufferedAmount = 1;
    sender.input([move(1)]);
    sender.input([move(2)]);
    mock.timers.tick(A_WHILE_MS);
    assert.deepEqual(sent, []);
    connection.bufferedAmount = 0;
    mock.timers.tick(A_WHILE_MS);
    mock.timers.tick(A_WHILE_MS);
    assert.deepEqual(sent, [move(2)]);
  });

  test("gets a key at once, behind the moves that waited", () => {
    connection.bufferedAmount = 1;
    sender.input([move(1)]);
    sender.input([KEY, AGAIN]);
    assert.deepEqual(sent, [move(1), KEY]);
  });

  test("gets a control message behind the moves that waited", () => {
    connection.bufferedAmount = 1;
    sender.input([move(1)]);
    sender.control(FOCUS);
    connection.bufferedAmount = 0;
    mock.timers.tick(A_WHILE_MS);
    assert.deepEqual(sent, [move(1), FOCUS]);
  });
});

describe("without a connection", () => {
  test("input is dropped, and is not sent by the next one", () => {
    connection.state = "waiting";
    sender.input([KEY, move(1)]);
    connection.state = "open";
    mock.timers.tick(A_WHILE_MS);
    sender.input([move(2)]);
    assert.deepEqual(sent, [move(2)]);
  });

  test("moves that waited are dropped by a reset, and later ones wait anew", () => {
    connection.bufferedAmount = 1;
    sender.input([move(1)]);
    sender.reset();
    connection.bufferedAmount = 0;
    mock.timers.tick(A_WHILE_MS);
    assert.deepEqual(sent, []);
    connection.bufferedAmount = 1;
    sender.input([move(2)]);
    connection.bufferedAmount = 0;
    mock.timers.tick(A_WHILE_MS);
    assert.deepEqual(sent, [move(2)]);
  });
});
