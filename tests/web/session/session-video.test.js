/** Tests what a viewer's session does with video, and how it falls back to screenshots. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { videoUnit } from "./browser.js";
import { VIDEO_ON, VIDEO_OFF, make, opened, live, locked } from "./session-rig.js";

describe("video", () => {
  test("is decoded and drawn, and acknowledged when it is painted", async (context) => {
    const { browser, take, drawn, stats } = await opened(context);
    browser.socket.say(videoUnit(1, { idr: true }));
    await browser.settle();
    const frame = browser.decoders[0].give();
    assert.deepEqual(take("draw")[0].transfer, [frame]);
    assert.deepEqual(browser.socket.take(), []);
    drawn();
    assert.deepEqual(browser.socket.take(), ["ack 1/1"]);
    await browser.pass(500);
    assert.deepEqual([stats().painted, stats().received, stats().codec], [1, 1, "avc1.42C02A"]);
  });

  test("is acknowledged as received if its picture is late", async (context) => {
    const { browser } = await opened(context);
    browser.socket.say(videoUnit(1, { idr: true }));
    await browser.pass(10);
    assert.deepEqual(browser.socket.take(), ["ack 1/0"]);
  });

  test("that is turned off is decoded no more, and begins with an IDR when it is turned on", async (context) => {
    const { browser, session } = await opened(context);
    browser.socket.say(videoUnit(1, { idr: true }));
    await browser.settle();
    session.event({ type: "visible", visible: false });
    assert.equal(browser.decoders[0].state, "closed");
    session.event({ type: "visible", visible: true });
    browser.socket.say(videoUnit(2));
    browser.socket.say(videoUnit(3, { idr: true }));
    assert.deepEqual(browser.decoders.map(({ chunks }) => chunks.length), [1, 1]);
  });

  test("that is painted shows that WebSockets work: the next one that is cut is not the second failure", async (context) => {
    const it = await opened(context);
    const { browser, drawn } = it;
    await live(it, 6000, 20);
    browser.socket.say(videoUnit(1, { idr: true }));
    await browser.settle();
    browser.decoders[0].give();
    drawn();
    browser.socket.cut();
    await browser.pass(250);
    browser.socket.cut();
    await browser.pass(500);
    assert.deepEqual([browser.sockets.length, browser.requests.length], [3, 0]);
  });

  test("with a gap asks for an IDR", async (context) => {
    const { browser } = await opened(context);
    browser.socket.say(videoUnit(1, { idr: true }));
    await browser.settle();
    browser.socket.say(videoUnit(3));
    assert.deepEqual(browser.socket.take(), ['{"request_idr":true}']);
    assert.equal(browser.decoders[0].chunks.length, 1);
  });

  test("of another rendition waits for its IDR, and what came of the last one is acknowledged", async (context) => {
    const { browser } = await opened(context);
    browser.socket.say({ video: { state: "live", rendition: "high" } });
    browser.socket.say(videoUnit(1, { idr: true }));
    await browser.settle();
    browser.socket.say({ video: { state: "live", rendition: "half" } });
    assert.deepEqual(browser.socket.take(), ["ack 1/0"]);
    browser.socket.say(videoUnit(2));
    assert.equal(browser.decoders[0].chunks.length, 1);
    browser.socket.say(videoUnit(3, { idr: true }));
    assert.equal(browser.decoders[0].chunks.length, 2);
  });

  test("over a new connection begins anew", async (context) => {
    const { browser } = await opened(context);
    browser.socket.say(videoUnit(1, { idr: true }));
    await browser.settle();
    browser.socket.cut();
    await browser.pass(250);
    browser.socket.open();
    browser.socket.say(videoUnit(2));
    assert.deepEqual([browser.decoders.length, browser.decoders[0].state], [1, "closed"]);
  });
});

describe("falling back", () => {
  test("a long RTT leaves video, tells the gateway why, and fetches screenshots", async (context) => {
    const { browser, status, sent } = await locked(context);
    assert.equal(status().reason, "network");
    assert.deepEqual(sent, ['{"fell_back":"rtt"}', VIDEO_OFF]);
    assert.equal(browser.requests.length, 1);
    assert.equal(browser.requests[0].url.pathname, "/fanlight/api/desks/main/screenshot");
  });

  test("pictures that are old when they are painted do the same", async (context) => {
    const it = await opened(context);
    const { browser, drawn, status } = it;
    await live(it, 2500, 20);
    const sent = [];
    for (let sequence = 1; sequence <= 35; sequence++) {
      const captured_us = (browser.now_ms - 2000) * 1000;
      browser.socket.say(videoUnit(sequence, { idr: sequence === 1, captured_us }));
      await browser.settle();
      browser.decoders[0]?.give();
      drawn();
      sent.push(...(await live(it, 100, 20)));
      if (status().fallback === "locked") break;
    }
    assert.equal(status().reason, "network");
    assert.deepEqual(sent.filter((message) => !message.startsWith("ack")), ['{"fell_back":"age"}', VIDEO_OFF]);
  });

  test("a picture that gets old while a newer one does not come does the same", async (context) => {
    const it = await opened(context);
    const { browser, drawn, status } = it;
    await live(it, 2500, 20);
    browser.socket.say(videoUnit(1, { idr: true, captured_us: browser.now_ms * 1000 }));
    await browser.settle();
    browser.decoders[0].give();
    drawn();
    browser.socket.say(videoUnit(2, { captured_us: browser.now_ms * 1000 + 1000 }));
    const sent = await live(it, 5000, 20);
    assert.equal(status().fallback, "locked");
    assert.ok(sent.includes('{"fell_back":"age"}'));
  });

  test("screenshots are drawn, and units that were on their way are not decoded", async (context) => {
    const { browser, take, drawn, stats } = await locked(context);
    browser.socket.say(videoUnit(1, { idr: true }));
    browser.requests[0].answer(new Uint8Array([1, 2, 3]), {
      headers: { "Content-Type": "image/jpeg", ETag: '"1"' },
    });
    await browser.settle();
    assert.equal(take("draw")[0].drawings[0].steps[0].picture.width, 32);
    assert.deepEqual(browser.decoders, []);
    drawn();
    await browser.pass(500);
    assert.deepEqual([stats().screenshot_bytes, stats().painted, stats().decoder], [3, 1, "JPEG"]);
  });

  test("a retry measures the base of the RTT anew, without screenshots, and then plays", async (context) => {
    const it = await locked(context);
    const { browser, session, status, stats } = it;
    session.event({ type: "click" });
    assert.deepEqual([status().fallback, browser.requests[0].signal.aborted], ["measuring", true]);
    const sent = await live(it, 3000, 300);
    assert.deepEqual([status().fallback, sent], ["video", [VIDEO_ON]]);
    assert.ok(stats().base_rtt_ms >= 300);
    assert.equal(browser.requests.length, 1);
  });

  test("a retry counts answers only, and not pings that wait", async (context) => {
    const { browser, session, status } = await locked(context);
    session.event({ type: "click" });
    await browser.pass(2500);
    assert.equal(status().fallback, "measuring");
  });

  test("a browser without a decoder gets screenshots from the start; the gateway hears why", async (context) => {
    const { browser, session, status } = make(context, {}, { isSecure: false });
    await session.start();
    await browser.pass(10);
    assert.deepEqual([status().fallback, status().reason], ["no-decoder", "insecure"]);
    assert.equal(browser.requests.length, 1);
    browser.socket.open();
    const [hello, why] = browser.socket.take();
    assert.deepEqual([JSON.parse(hello).hello.video_enabled, why], [false, '{"fell_back":"insecure"}']);
  });
});
