/** Tests the connection in virtual time, on a network that blocks, cuts, loses and heals. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, mock, test } from "node:test";

import { decodeBatch, encodeBatch } from "../../../services/gateway/fanlight_gateway/web/protocol/batches.js";
import { Connection } from "../../../services/gateway/fanlight_gateway/web/transport/connection.js";
import { CloseCode } from "../../../services/gateway/fanlight_gateway/web/protocol/constants.js";
import { LOST_MS } from "../../../services/gateway/fanlight_gateway/web/transport/plain-http.js";
import { MIN_MS } from "../../../services/gateway/fanlight_gateway/web/transport/retry-wait.js";
import { RETRY_MIN_MS } from "../../../services/gateway/fanlight_gateway/web/transport/selection.js";
import { FIRST_MESSAGE_TIMEOUT_MS } from "../../../services/gateway/fanlight_gateway/web/transport/websocket.js";

const WELCOME = '{"welcome":{"protocol":2,"desk":"main","role":"control","settings":{}}}';

/** A gateway, and the network in front of it. */
class Network {
  now_ms = 0;
  socketsPass = false;
  httpPasses = true;
  /** How many answers of POSTs are lost, although the gateway handled the messages. */
  losesAnswers = 0;
  sockets = [];
  /** What the gateway handled, in order, over both transports. */
  handled = [];
  /** @type {{ newest: number, polls: any[], code: number | null } | null} */
  session = null;
  sessions = 0;
  requests = [];

  socket(url) {
    const network = this;
    const socket = {
      url, readyState: 0, bufferedAmount: 0, closed: false,
      send(message) {
        network.hear(message, "websocket");
      },
      close() {
        this.closed = true;
        this.readyState = 3;
      },
      open() {
        this.readyState = 1;
        this.onopen?.();
      },
      say(data) {
        this.onmessage?.({ data });
      },
      cut(code = 1006) {
        this.readyState = 3;
        this.onclose?.({ code });
      },
    };
    this.sockets.push(socket);
    queueMicrotask(() => {
      if (!this.socketsPass) return socket.cut();
      socket.open();
      socket.say(WELCOME);
    });
    return socket;
  }

  hear(message, transport) {
    const hello = typeof message === "string" && message.includes("hello");
    if (hello && transport === "websocket") this.replace(CloseCode.REPLACED);
    this.handled.push([transport, typeof message === "string" ? JSON.parse(message) : name(message)]);
  }

  replace(code) {
    if (this.session) this.session.code = code;
    for (const answer of this.session?.polls.splice(0) ?? []) answer(gone(code));
    this.session = null;
  }

  async fetch(url, { method, body, signal }) {
    this.requests.push(`${method} ${url.pathname}${url.search}`);
    await null;
    if (!this.httpPasses) throw new TypeError("no network");
    if (method === "DELETE") return this.replace(1001), { status: 204 };
    if (url.pathname.endsWith("/http")) {
      this.session = { newest: 0, first: 1, polls: [], code: null };
      this.sessions++;
      this.hear(body, "http");
      return answer(200, JSON.stringify({ session: `s${this.sessions}`, long_poll_ms: 20_000, ...JSON.parse(WELCOME) }));
    }
    const session = this.session;
    if (!session) return gone(1001);
    if (method === "POST") {
      let number = Number(url.searchParams.get("first"));
      for (const message of decodeBatch(body)) {
        if (number === session.newest + 1) {
          this.hear(message, "http");
          session.newest = number;
        }
        number++;
      }
      if (this.losesAnswers > 0) {
        this.losesAnswers--;
        throw new TypeError("lost");
      }
      return answer(200, new ArrayBuffer(0), { "X-Fanlight-Handled": String(session.newest) });
    }
    return new Promise((resolve, reject) => {
      session.polls.push(resolve);
      setTimeout(() => resolve(answer(200, new ArrayBuffer(0), { "X-Fanlight-First": "1" })), 20_000);
      signal.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
    });
  }

  /** Answers the poll that waits. */
  tell(first, ...messages) {
    const poll = this.session.polls.pop();
    poll(answer(200, encodeBatch(messages), { "X-Fanlight-First": String(first) }));
  }
}

function name(message) {
  const view = new DataView(message);
  return view.getUint8(0) === 0x20 ? `${view.getUint8(1) ? "+" : "-"}${view.getUint16(2, true)}` : `0x${view.getUint8(0).toString(16)}`;
}

function answer(status, body, headers = {}) {
  return new Response(body, { status, headers });
}

function gone(code) {
  return answer(410, JSON.stringify({ error: "x", message: "y", code }));
}

let network;
let connection;
let seen;

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout"] });
  mock.method(Math, "random", () => 1);
  network = new Network();
  globalThis.WebSocket = Object.assign(function (url) { return network.socket(url); }, { OPEN: 1 });
  mock.method(globalThis, "fetch", (url, options) => network.fetch(url, options));
  seen = [];
  connection = new Connection({
    webSocketUrl: new URL("wss://desk.example/api/desks/main/stream"),
    httpUrl: new URL("https://desk.example/api/desks/main/http"),
    now: () => network.now_ms,
    hello: (carriesVideo) => ({ type: "Hello", viewer: "viewer-0", video_enabled: carriesVideo, keyframes_only: false }),
    expectsPicture: () => true,
    onopen: (isContinued) => seen.push(`open ${connection.transportName}${isContinued ? " continued" : ""}`),
    onbinary: (data) => seen.push(name(data)),
    ontext: (text) => seen.push(Object.keys(JSON.parse(text))[0]),
    onchange: () => seen.push(connection.state),
  });
});

afterEach(() => {
  connection.close();
  mock.timers.reset();
  mock.restoreAll();
});

/** Lets time pass, in small steps, with all that happens meanwhile. */
async function pass(ms) {
  for (let left = ms; left >= 0; left -= 5) {
    for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
    if (left === 0) break;
    const step = Math.min(5, left);
    network.now_ms += step;
    mock.timers.tick(step);
    if (left < 5) left = 5;
  }
}

const key = (usage, down = true) => connection.send({ type: "Key", down, usage });
const strokes = () => network.handled.filter(([, what]) => /^[+-]/.test(what)).map(([, what]) => what);

async function onHttp() {
  connection.connect();
  await pass(400);
  assert.equal(connection.carriesVideo, false);
  assert.equal(connection.state, "open");
  seen.length = 0;
}

describe("the connection", () => {
  test("two WebSockets fail: plain HTTP at once", async () => {
    connection.connect();
    await pass(400);
    assert.equal(network.sockets.length, 2);
    assert.deepEqual(seen, ["connecting", "waiting", "connecting", "connecting", "open", "open http", "welcome"]);
    assert.deepEqual(network.handled, [["http", { hello: { protocol: 2, viewer: "viewer-0", video_enabled: false, keyframes_only: false, codecs: ["h264"] } }]]);
  });

  test("a WebSocket that opens and brings nothing has failed", async () => {
    network.socket = function (url) {
      const socket = Network.prototype.socket.call(this, url);
      socket.cut = () => undefined;
      queueMicrotask(() => socket.open());
      return socket;
    };
    connection.connect();
    await pass(2 * FIRST_MESSAGE_TIMEOUT_MS + 400);
    assert.equal(connection.carriesVideo, false);
  });

  test("a WebSocket that is cut once a minute with pictures on it stays one", async () => {
    network.socketsPass = true;
    connection.connect();
    for (let minute = 0; minute < 4; minute++) {
      await pass(300);
      assert.equal(connection.state, "open");
      connection.painted();
      network.now_ms += 60_000;
      network.sockets.at(-1).cut();
    }
    await pass(300);
    assert.equal(connection.carriesVideo, true);
    assert.equal(network.sessions, 0);
  });

  test("one on which nothing comes any more is left for a new one, and is not to blame", async () => {
    network.socketsPass = true;
    connection.connect();
    await pass(300);
    const before = network.sockets.length;
    connection.silent();
    assert.equal(connection.state, "waiting");
    await pass(MIN_MS + 50);
    assert.equal(network.sockets.length, before + 1);
    assert.equal(connection.state, "open");
    assert.equal(connection.carriesVideo, true);
    assert.ok(connection.lastMessage_ms > network.now_ms - 100);
  });

  test("a refusal by the gateway is final, by either transport", async () => {
    network.socketsPass = true;
    connection.connect();
    await pass(10);
    network.sockets[0].cut(CloseCode.REPLACED);
    assert.deepEqual([connection.state, connection.closeCode], ["closed", CloseCode.REPLACED]);
    network.socketsPass = false;
    connection.connectNow();
    await pass(800);
    assert.equal(connection.carriesVideo, false);
    network.replace(CloseCode.UNAUTHORIZED);
    await pass(10);
    assert.deepEqual([connection.state, connection.closeCode], ["closed", CloseCode.UNAUTHORIZED]);
  });

  test("what is sent arrives once and in order although answers are lost", async () => {
    await onHttp();
    network.losesAnswers = 3;
    for (let usage = 4; usage < 10; usage++) {
      key(usage);
      key(usage, false);
      await pass(30);
    }
    await pass(2000);
    assert.deepEqual(strokes(), ["+4", "-4", "+5", "-5", "+6", "-6", "+7", "-7", "+8", "-8", "+9", "-9"]);
  });

  test("what comes twice is told once", async () => {
    await onHttp();
    const clipboard = '{"clipboard":{"text":"x"}}';
    network.tell(1, clipboard);
    await pass(10);
    network.tell(1, clipboard, '{"desk":{"state":"live","width":1,"height":1}}');
    await pass(10);
    assert.deepEqual(seen, ["clipboard", "desk"]);
    assert.match(network.requests.at(-1), /after=2/);
  });

  test("a network that is away for long: keys of then are not typed, it comes back, by itself", async () => {
    await onHttp();
    network.httpPasses = false;
    key(4);
    await pass(3000);
    network.httpPasses = true;
    await pass(1500);
    assert.deepEqual(strokes(), []);
    assert.ok(network.handled.some(([, what]) => what.set_focus === false));
    network.httpPasses = false;
    network.session.polls.splice(0);
    key(5);
    await pass(LOST_MS + 3000);
    assert.notEqual(connection.state, "open");
    network.httpPasses = true;
    await pass(25_000);
    assert.equal(connection.state, "open");
    assert.deepEqual(strokes(), []);
  });

  test("a session that the gateway forgot is begun anew, by plain HTTP", async () => {
    await onHttp();
    const sockets = network.sockets.length;
    network.replace(1001);
    await pass(600);
    assert.equal(connection.state, "open");
    assert.deepEqual([network.sessions, network.sockets.length], [2, sockets]);
  });

  test("back to a WebSocket once one comes through; nothing lost, doubled or overtaken", async () => {
    await onHttp();
    network.socketsPass = true;
    const typing = (async () => {
      for (let usage = 4; usage < 44; usage++) {
        network.losesAnswers = usage % 7 === 0 ? 1 : 0;
        key(usage);
        key(usage, false);
        await pass(150);
      }
    })();
    await typing;
    assert.equal(connection.carriesVideo, true);
    assert.deepEqual(seen, ["open", "open websocket continued", "welcome"]);
    const wanted = Array.from({ length: 40 }, (_, n) => [`+${n + 4}`, `-${n + 4}`]).flat();
    assert.deepEqual(strokes(), wanted);
    const transports = network.handled.filter(([, what]) => /^[+-]/.test(what)).map(([transport]) => transport);
    assert.ok(transports.includes("http") && transports.includes("websocket"));
    assert.equal(transports.lastIndexOf("http") < transports.indexOf("websocket"), true);
  });

  test("not while a key is down, and not for ever", async () => {
    await onHttp();
    key(225);
    network.socketsPass = true;
    await pass(RETRY_MIN_MS + 500);
    assert.equal(network.sockets.length, 3);
    assert.equal(connection.carriesVideo, false);
    await pass(5000);
    assert.equal(network.sockets[2].closed, true);
    await pass(2 * RETRY_MIN_MS);
    key(225, false);
    await pass(500);
    assert.equal(connection.carriesVideo, true);
    assert.deepEqual(strokes(), ["+225", "-225"]);
  });

  test("a background try that fails harms nothing", async () => {
    await onHttp();
    await pass(40_000);
    assert.equal(network.sockets.length, 5); // They came after 5, 10 and 20 s.
    assert.equal(network.sessions, 1);
    assert.equal(connection.state, "open");
    assert.ok(network.handled.every(([transport]) => transport === "http"));
  });

  test("a WebSocket that is cut soon after the change: plain HTTP at once, the next try later", async () => {
    await onHttp();
    network.socketsPass = true;
    await pass(RETRY_MIN_MS + 100);
    assert.equal(connection.carriesVideo, true);
    network.socketsPass = false;
    network.sockets.at(-1).cut();
    await pass(20);
    assert.deepEqual([connection.state, connection.carriesVideo, network.sessions], ["open", false, 2]);
    const before = network.sockets.length;
    await pass(2 * RETRY_MIN_MS - 100);
    assert.equal(network.sockets.length, before);
    await pass(200);
    assert.equal(network.sockets.length, before + 1);
  });

  test("a gateway that is down is come back to by the WebSocket", async () => {
    network.httpPasses = false;
    connection.connect();
    await pass(3000);
    assert.notEqual(connection.state, "open");
    network.socketsPass = network.httpPasses = true;
    await pass(10_000);
    assert.equal(connection.state, "open");
    assert.equal(connection.carriesVideo, true);
  });

  test("leaving is told", async () => {
    await onHttp();
    connection.close();
    await pass(10);
    assert.match(network.requests.at(-1), /^DELETE .*\/http\/s1$/);
  });
});
