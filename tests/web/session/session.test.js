/** Tests a viewer's session in a fake browser: what comes in, and what the session does then. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { CloseCode } from "../../../services/gateway/fanlight_gateway/web/protocol/constants.js";
import { picture, pointerPosition, pong, videoUnit } from "./browser.js";
import { VIDEO_ON, VIDEO_OFF, SILENCE_MS, make, opened, live, locked } from "./session-rig.js";

describe("the first picture", () => {
  test("is the page's screenshot, while the connection is still being opened", async (context) => {
    const { browser, session, take, status, drawn } = make(context);
    await session.start();
    const bitmap = picture(32, 24);
    session.bringFirstScreenshot({ bitmap, bytes: 500, captured_us: null, stale: false });
    await browser.settle();
    const [draw] = take("draw");
    assert.equal(draw.drawings[0].steps[0].picture, bitmap);
    assert.deepEqual([draw.transfer, status().painted, status().connection], [[bitmap], false, "connecting"]);
    drawn();
    assert.equal(status().painted, true);
    assert.deepEqual(take("size").map(({ width, height }) => [width, height]), [[32, 24]]);
    assert.equal(browser.requests.length, 0);
  });

  test("is asked for here if the page brings none", async (context) => {
    const { browser, session, take } = make(context, { bringsScreenshot: false });
    await session.start();
    const [request] = browser.requests;
    assert.equal(request.url.pathname, "/fanlight/api/desks/main/screenshot");
    request.answer(new Uint8Array([1]));
    await browser.settle();
    assert.equal(take("draw")[0].drawings[0].steps[0].picture.width, 32);
  });

  test("is not asked for by a person who wants screenshots only: those are fetched at once", async (context) => {
    const { browser, session } = make(context, { mode: "screenshots", bringsScreenshot: false });
    await session.start();
    await browser.pass(10);
    assert.equal(browser.requests.length, 1);
    assert.equal(browser.requests[0].url.searchParams.get("delta"), "1");
  });
});

describe("the connection", () => {
  test("goes to the desk's address, and begins with Hello", async (context) => {
    const { browser, session } = make(context, { desk: "a b" });
    await session.start();
    assert.equal(browser.socket.url, "wss://desk.example/fanlight/api/desks/a%20b/stream");
    browser.socket.open();
    const { viewer, video_enabled, keyframes_only } = JSON.parse(browser.socket.sent[0]).hello;
    assert.deepEqual([viewer, video_enabled, keyframes_only], ["viewer-0", true, false]);
  });

  test("is not encrypted for a page that is not, and asks for no video if screenshots are chosen", async (context) => {
    const { browser, session } = make(context, { base: "http://desk.example/", mode: "screenshots" });
    await session.start();
    assert.equal(browser.socket.url, "ws://desk.example/api/desks/main/stream");
    browser.socket.open();
    assert.equal(JSON.parse(browser.socket.sent[0]).hello.video_enabled, false);
  });

  test("is not opened by a session that was stopped before", async (context) => {
    const { browser, session } = make(context);
    const started = session.start();
    session.stop();
    await started;
    assert.deepEqual(browser.sockets, []);
  });

  test("is closed if the gateway speaks another version", async (context) => {
    const { browser, session, status } = make(context);
    await session.start();
    browser.socket.open({ protocol: 99 });
    assert.deepEqual([status().problem, status().connection], ["outdated", "closed"]);
    assert.equal(browser.socket.isClosed, true);
  });

  test("on which nothing comes any more is left for a new one; once, video goes on", async (context) => {
    const it = await opened(context);
    const { browser, status } = it;
    const { socket } = browser;
    await browser.pass(SILENCE_MS);
    assert.deepEqual([socket.isClosed, status().connection, status().fallback], [true, "waiting", "video"]);
    assert.ok(status().retry_in_ms > 0);
    await browser.pass(250);
    assert.equal(browser.sockets.length, 2);
    browser.socket.open();
    assert.deepEqual([status().connection, status().fallback], ["open", "video"]);
    await live(it, 1000, 20);
    await browser.pass(SILENCE_MS);
    assert.equal(status().fallback, "locked", "the second silence within a minute");
    await browser.pass(250);
    browser.socket.open();
    await browser.pass(10);
    const told = browser.sockets.map(({ sent }) => sent.filter((each) => each.includes("fell_back")));
    assert.deepEqual(told, [[], [], ['{"fell_back":"silence"}']], "the silent link would lose it");
  });

  for (const [name, isSilent] of [
    ["a network that was away: requests of before are given up", true],
    ["a WebSocket that was cut alone: requests go on", false],
  ]) {
    test(name, async (context) => {
      const { browser } = await opened(context, { mode: "screenshots" });
      await browser.pass(isSilent ? SILENCE_MS : 10);
      if (!isSilent) browser.socket.cut();
      await browser.pass(250);
      assert.deepEqual([browser.sockets.length, browser.requests.length], [2, 1]);
      browser.socket.open();
      await browser.pass(10);
      assert.equal(browser.requests[0].signal.aborted, isSilent);
      assert.equal(browser.requests.length, isSilent ? 2 : 1);
    });
  }

  test("over plain HTTP that failed for long: requests of before are given up", async (context) => {
    const { browser, session, status, stats } = make(context, { mode: "screenshots" });
    const sent = (end) => browser.requests.filter(({ url }) => url.pathname.endsWith(end));
    const answer = () => {
      const welcome = { protocol: 2, desk: "main", role: "control", settings: {} };
      sent("/http").at(-1).answer(JSON.stringify({ session: "s", long_poll_ms: 1000, welcome }));
      return browser.pass(10);
    };
    await session.start();
    browser.socket.cut();
    await browser.pass(250);
    browser.socket.cut();
    await answer();
    assert.deepEqual([status().connection, stats().transport], ["open", "http"]);
    const [before] = sent("/screenshot");
    while (status().connection === "open") await browser.pass(250);
    assert.equal(status().connection, "waiting");
    await browser.pass(500);
    assert.deepEqual([sent("/screenshot").length, before.signal.aborted], [1, false]);
    await answer();
    assert.deepEqual([sent("/screenshot").length, before.signal.aborted], [2, true]);
  });

  for (const [name, act] of [
    ["looks at the page again", (session) => session.event({ type: "visible", visible: true })],
    ["asks for it", (session) => session.reconnect()],
  ]) {
    test(`a person who ${name} does not wait for the next try`, async (context) => {
      const { browser, session, status } = await opened(context);
      browser.socket.cut();
      assert.equal(status().connection, "waiting");
      act(session);
      assert.deepEqual([status().connection, browser.sockets.length], ["connecting", 2]);
    });
  }
});

describe("what is measured", () => {
  test("a ping goes out at once and then regularly; its answer is the RTT", async (context) => {
    const { browser, session, stats } = make(context);
    await session.start();
    browser.socket.open();
    assert.equal(browser.socket.take().at(-1), "ping 1");
    await browser.pass(40);
    browser.socket.say(pong(1));
    await browser.pass(460);
    assert.deepEqual(browser.socket.take(), ["ping 2", "ping 3"]);
    assert.deepEqual([stats().rtt_ms, stats().base_rtt_ms], [40, 40]);
  });

  test("the gateway's settings count", async (context) => {
    const { browser, session } = make(context);
    await session.start();
    browser.socket.open({ settings: { ping_interval_ms: 100 } });
    await browser.pass(250); // The first interval was the default.
    browser.socket.take();
    await browser.pass(200);
    assert.deepEqual(browser.socket.take(), ["ping 3", "ping 4"]);
  });

  test("a hidden page sends no pings and wants no video", async (context) => {
    const { browser, session, status } = await opened(context);
    session.event({ type: "visible", visible: false });
    await browser.pass(2000);
    assert.deepEqual([browser.socket.take(), status().visible], [[VIDEO_OFF], false]);
    session.event({ type: "visible", visible: true });
    assert.deepEqual(browser.socket.take(), [VIDEO_ON]);
  });

  test("the gateway's bound of the quality counts from the next screenshot on", async (context) => {
    const { browser, session } = make(context, { mode: "screenshots" });
    await session.start();
    await browser.pass(10);
    assert.equal(browser.requests[0].url.searchParams.get("quality"), "70");
    browser.socket.open({ settings: { screenshot_quality_max: 30 } });
    browser.requests[0].answer(null, { status: 304 });
    await browser.pass(500);
    assert.equal(browser.requests[1].url.searchParams.get("quality"), "30");
  });

  test("of the old connection is forgotten on a new one", async (context) => {
    const it = await opened(context);
    const { browser, stats } = it;
    browser.socket.say({ video: { state: "live", rendition: "high" } });
    await live(it, 1000, 20);
    assert.deepEqual([stats().rtt_ms, stats().rendition], [20, "high"]);
    browser.socket.cut();
    await browser.pass(250);
    browser.socket.open();
    await browser.pass(500);
    assert.deepEqual([stats().rtt_ms, stats().rendition], [null, null]);
    assert.equal(stats().base_rtt_ms, 20, "the network is the same");
  });

  test("statistics come twice a second, and the countdown of a wait with them", async (context) => {
    const { browser, take } = await opened(context);
    take("stats");
    await browser.pass(1000);
    assert.equal(take("stats").length, 2);
    await browser.pass(400);
    browser.socket.cut();
    take("status");
    await browser.pass(200);
    assert.deepEqual(take("status").map(({ status }) => status.retry_in_ms), [150]);
  });
});

describe("what the gateway says", () => {
  test("of the desk and the viewer's role is the status, and the desk's size is reported once", async (context) => {
    const { browser, session, take, status } = make(context);
    await session.start();
    browser.socket.open({ role: "view" });
    for (let count = 0; count < 2; count++) {
      browser.socket.say({ desk: { state: "live", width: 1920, height: 1080 } });
    }
    browser.socket.say({ video: { state: "waiting", rendition: "" } });
    const { connection, role, desk, video } = status();
    assert.deepEqual([connection, role, desk, video], ["open", "view", "live", "waiting"]);
    assert.deepEqual(take("size").map(({ width, height }) => [width, height]), [[1920, 1080]]);
  });

  test("of the clipboard, the pointer and its refusals goes to the page", async (context) => {
    const { browser, reports } = await opened(context);
    reports.length = 0;
    browser.socket.say({ clipboard: { text: "copied" } });
    browser.socket.say({ error: { code: "view_only", message: "no" } });
    browser.socket.say(pointerPosition(7, 9));
    assert.deepEqual(
      reports.map(({ transfer: _, ...report }) => report),
      [
        { type: "clipboard", text: "copied" },
        { type: "gateway-error", code: "view_only", message: "no" },
        { type: "pointer-position", x: 7, y: 9 },
      ],
    );
  });

  test("and is no message is logged once and dropped, and nothing else", async (context) => {
    const { mock } = context.mock.method(console, "error", () => undefined);
    const { browser, status } = await opened(context);
    for (let count = 0; count < 3; count++) {
      browser.socket.say(new Uint8Array([0x7f]).buffer);
      browser.socket.say({ "of-tomorrow": {} });
    }
    assert.equal(mock.callCount(), 2);
    browser.socket.say({ desk: { state: "away", width: 0, height: 0 } });
    assert.deepEqual([status().connection, status().desk], ["open", "away"]);
  });
});

describe("what a person does", () => {
  const KEY = { type: "Key", down: true, usage: 4 };

  test("is sent while the connection is open, and dropped before", async (context) => {
    const { browser, session } = make(context);
    await session.start();
    session.input([KEY]);
    browser.socket.open();
    browser.socket.take();
    session.input([KEY, { ...KEY, down: false }]);
    session.control({ type: "SetFocus", focused: true });
    assert.deepEqual(browser.socket.take(), ["key +4", "key -4", '{"set_focus":true}']);
  });

  test("to hold a key keeps a ping in flight", async (context) => {
    const { browser, session } = await opened(context);
    browser.socket.say(pong(1));
    session.input([{ ...KEY, repeat: true }]);
    session.input([{ ...KEY, repeat: true }]);
    assert.deepEqual(browser.socket.take(), ["key +4", "ping 2", "key +4"]);
  });

  test("makes a new screenshot come soon", async (context) => {
    const { browser, session } = await opened(context, { mode: "screenshots" });
    await browser.pass(10);
    // The desk is at rest: answers come without a change, and each wait is longer.
    for (let count = 1; count < 7; count++) {
      browser.requests.at(-1).answer(null, { status: 304 });
      while (browser.requests.length === count) await browser.pass(10);
    }
    const before = browser.requests.length;
    browser.requests.at(-1).answer(null, { status: 304 });
    await browser.pass(110);
    assert.equal(browser.requests.length, before);
    session.input([KEY]);
    await browser.pass(10);
    assert.equal(browser.requests.length, before + 1);
  });
});

describe("the end", () => {
  test("a gateway that closes for good ends the fetching; a person can connect again", async (context) => {
    const { browser, session, status } = await opened(context, { mode: "screenshots" });
    await browser.pass(10);
    browser.socket.cut(CloseCode.REPLACED);
    assert.deepEqual([status().connection, status().closeCode], ["closed", CloseCode.REPLACED]);
    await browser.pass(10_000);
    assert.deepEqual([browser.requests.length, browser.requests[0].signal.aborted], [1, true]);
    assert.equal(browser.sockets.length, 1);
    session.reconnect();
    assert.deepEqual([browser.sockets.length, status().connection], [2, "connecting"]);
  });

  for (const [http, code] of [
    [401, CloseCode.UNAUTHORIZED],
    [403, CloseCode.FORBIDDEN],
  ]) {
    test(`a screenshot that is refused with ${http} ends the connection`, async (context) => {
      const { browser, status } = await opened(context, { mode: "screenshots" });
      await browser.pass(10);
      browser.requests[0].answer("", { status: http });
      await browser.pass(10_000);
      assert.deepEqual([status().connection, status().closeCode], ["closed", code]);
      assert.deepEqual([browser.socket.isClosed, browser.requests.length], [true, 1]);
    });
  }

  test("a session that is stopped leaves nothing behind", async (context) => {
    const it = await opened(context);
    const { browser, session, reports } = it;
    browser.socket.say(videoUnit(1, { idr: true }));
    await browser.settle();
    const { socket } = browser;
    socket.bufferedAmount = 1;
    session.input([{ type: "PointerMove", x: 1, y: 1 }]); // It waits, because the socket is busy.
    session.stop();
    assert.deepEqual([socket.isClosed, browser.decoders[0].state], [true, "closed"]);
    reports.length = 0;
    socket.take();
    await browser.pass(10_000);
    assert.deepEqual([reports, socket.take(), browser.requests], [[], [], []]);
    assert.equal(browser.sockets.length, 1);
  });
});
