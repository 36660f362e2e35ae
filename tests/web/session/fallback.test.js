import assert from "node:assert/strict";
import { describe, test } from "node:test";

import {
  MIN_BASE_SAMPLES,
  SILENCE_MEMORY_MS,
  wantsScreenshots,
  wantsVideo,
} from "../../../services/gateway/fanlight_gateway/web/session/fallback.js";
import { locked, Rig } from "./fallback-rig.js";

describe("falling back", () => {
  test("a good link keeps video", () => {
    const rig = new Rig().rtt(60_000, 149).age(60_000, 1000);
    assert.equal(rig.state, "video");
    assert.deepEqual(rig.take(), []);
  });

  test("an RTT at the limit for three seconds locks", () => {
    const rig = new Rig().rtt(3000, 150);
    assert.equal(rig.state, "video");
    rig.rtt(250, 150);
    assert.equal(rig.state, "locked");
    assert.equal(rig.machine.reason, "network");
    assert.deepEqual(rig.take(), ["video-off", "screenshots-on", "changed"]);
  });

  test("one spike does not, nor many with a good moment between them", () => {
    const rig = new Rig();
    for (let i = 0; i < 20; i++) rig.rtt(2750, 900).rtt(250, 60);
    assert.equal(rig.state, "video");
  });

  test("two spikes with nothing seen between them do not", () => {
    const rig = new Rig().rtt(250, 900);
    rig.now_ms += 3_600_000; // The machine slept.
    rig.rtt(250, 900);
    assert.equal(rig.state, "video");
  });

  test("a picture older than a second for three seconds locks, whatever the RTT", () => {
    const rig = new Rig();
    for (let i = 0; i < 13; i++) rig.rtt(250, 60).send({ type: "age", age_ms: 1001 });
    assert.equal(rig.state, "locked");
    assert.equal(rig.machine.reason, "network");
  });

  test("a decoder that failed locks at once, and says so", () => {
    const rig = new Rig().send({ type: "decoder-failed" });
    assert.equal(rig.state, "locked");
    assert.equal(rig.machine.reason, "decoder");
    assert.deepEqual(rig.take(), ["video-off", "screenshots-on", "changed"]);
  });

  test("a decoder that fails after the lock changes nothing", () => {
    const rig = locked().send({ type: "decoder-failed" });
    assert.equal(rig.machine.reason, "network");
  });
});

describe("a link that goes away", () => {
  test("once is a tunnel: video goes on behind it", () => {
    const rig = new Rig().rtt(5000, 30).send({ type: "silent" });
    assert.equal(rig.machine.state, "video");
    rig.now_ms += SILENCE_MEMORY_MS;
    rig.send({ type: "connected" }).rtt(1000, 30).send({ type: "silent" });
    assert.equal(rig.machine.state, "video");
  });

  test("twice within a minute may be video's doing", () => {
    const rig = new Rig().rtt(5000, 30).send({ type: "silent" });
    rig.send({ type: "connected" }).rtt(30_000, 30).send({ type: "silent" });
    assert.equal(rig.machine.state, "locked");
    assert.equal(rig.machine.reason, "network");
  });

  test("in other states changes nothing", () => {
    for (const mode of ["video", "screenshots"]) {
      const rig = new Rig(mode);
      const { state } = rig.machine;
      rig.send({ type: "silent" }).send({ type: "silent" });
      assert.equal(rig.machine.state, state);
    }
  });
});

describe("the lock", () => {
  test("a link that looks healthy without video stays locked", () => {
    const rig = locked();
    rig.take();
    rig.rtt(3_600_000, 5).age(10_000, 10);
    assert.equal(rig.state, "locked");
    assert.deepEqual(rig.take(), []);
  });

  test("survives reconnects, and the first message wants no video", () => {
    const rig = locked().send({ type: "connected" });
    assert.equal(rig.state, "locked");
    assert.equal(wantsVideo(rig.machine), false);
    assert.equal(wantsScreenshots(rig.machine), true);
  });

  test("survives hiding; hidden it asks for nothing at all", () => {
    const rig = locked();
    rig.take();
    rig.send({ type: "visible", visible: false });
    assert.deepEqual(rig.take(), ["screenshots-off", "changed"]);
    rig.send({ type: "visible", visible: true });
    assert.deepEqual(rig.take(), ["screenshots-on", "changed"]);
    assert.equal(rig.state, "locked");
  });

  test("holds against every sequence of events without a person's", () => {
    let seed = 20_260_101;
    const random = (n) => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((seed / 2 ** 32) * n);
    };
    const events = [
      () => ({ type: "rtt", rtt_ms: random(600), base_rtt_ms: random(300) }),
      () => ({ type: "rtt", rtt_ms: 1, base_rtt_ms: 1 }),
      () => ({ type: "age", age_ms: random(3000) }),
      () => ({ type: "visible", visible: random(2) === 1 }),
      () => ({ type: "connected" }),
      () => ({ type: "decoder-failed" }),
      () => ({ type: "decoder-missing", reason: "unsupported" }),
      () => ({ type: "mode", mode: "automatic" }), // This is the mode of before, so nobody chose anything.
    ];
    for (let round = 0; round < 30_000; round++) {
      const rig = locked();
      rig.take();
      let isVideo = false;
      for (let length = random(60); length >= 0; length--) {
        rig.now_ms += random(5000);
        rig.send(events[random(events.length)]());
        isVideo ||= wantsVideo(rig.machine);
      }
      assert.ok(!isVideo && !rig.take().includes("video-on"), `round ${round}`);
      assert.match(rig.state, /^(locked|no-decoder)$/);
    }
  });
});

describe("a retry", () => {
  test("measures the base with neither video nor screenshots, then plays", () => {
    const rig = locked();
    rig.take();
    rig.send({ type: "click" });
    assert.equal(rig.state, "measuring");
    assert.deepEqual(rig.take(), ["screenshots-off", "reset-base", "changed"]);
    rig.rtt(1000, 200, 200);
    assert.equal(rig.state, "measuring");
    rig.rtt(250, 200, 200);
    assert.equal(rig.state, "video");
    assert.deepEqual(rig.take(), ["video-on", "changed"]);
  });

  test("on a long, clean path keeps video for ever", () => {
    const rig = locked().send({ type: "click" }).rtt(1250, 300, 300).rtt(600_000, 320, 300);
    assert.equal(rig.state, "video");
  });

  test("on a path that fills up locks again, by inflation", () => {
    const rig = locked().send({ type: "click" }).rtt(1250, 300, 300).rtt(4000, 450, 300);
    assert.equal(rig.state, "video");
    rig.rtt(4000, 451, 300);
    assert.equal(rig.state, "locked");
  });

  test("needs some round trips, however long they take", () => {
    const rig = locked().send({ type: "click" });
    for (let i = 1; i < MIN_BASE_SAMPLES; i++) {
      rig.now_ms += 5000;
      rig.send({ type: "rtt", rtt_ms: 900, base_rtt_ms: 900 });
      assert.equal(rig.state, "measuring");
    }
    rig.now_ms += 5000;
    rig.send({ type: "rtt", rtt_ms: 900, base_rtt_ms: 900 });
    assert.equal(rig.state, "video");
  });

  test("begins anew on a new socket", () => {
    const rig = locked().send({ type: "click" }).rtt(1000, 20);
    rig.send({ type: "connected" }).rtt(1000, 20);
    assert.equal(rig.state, "measuring");
    rig.rtt(250, 20);
    assert.equal(rig.state, "video");
  });

  test("an old picture does not end the measurement", () => {
    const rig = locked().send({ type: "click" }).age(5000, 9000);
    assert.equal(rig.state, "measuring");
  });

  test("a click while nothing is locked does nothing", () => {
    const rig = new Rig().send({ type: "click" });
    assert.equal(rig.state, "video");
    assert.deepEqual(rig.take(), []);
  });

  test("while hidden, video waits to be seen", () => {
    const rig = locked().send({ type: "click" }).send({ type: "visible", visible: false });
    rig.rtt(2000, 20);
    assert.equal(rig.state, "video");
    assert.equal(wantsVideo(rig.machine), false);
    rig.take();
    rig.send({ type: "visible", visible: true });
    assert.deepEqual(rig.take(), ["video-on", "changed"]);
  });
});

describe("a person's choice", () => {
  test("screenshots from the start", () => {
    const rig = new Rig("screenshots");
    assert.equal(rig.state, "screenshots");
    assert.ok(wantsScreenshots(rig.machine) && !wantsVideo(rig.machine));
  });

  test("video never falls back, except where the decoder fails", () => {
    const rig = new Rig("video").rtt(60_000, 2000).age(60_000, 9000);
    assert.equal(rig.state, "video");
    rig.send({ type: "decoder-failed" });
    assert.equal(rig.state, "locked");
  });

  test("to screenshots, and back over a measurement", () => {
    const rig = new Rig().send({ type: "mode", mode: "screenshots" });
    assert.equal(rig.state, "screenshots");
    assert.deepEqual(rig.take(), ["video-off", "screenshots-on", "changed"]);
    rig.rtt(60_000, 5);
    rig.send({ type: "mode", mode: "automatic" });
    assert.equal(rig.state, "measuring");
    rig.rtt(1250, 5);
    assert.equal(rig.state, "video");
  });

  test("from the lock to video is a click like any other", () => {
    const rig = locked();
    rig.take();
    rig.send({ type: "mode", mode: "video" });
    assert.equal(rig.state, "video");
    assert.deepEqual(rig.take(), ["screenshots-off", "video-on", "changed"]);
  });

  test("automatic while video plays only changes the rule", () => {
    const rig = new Rig("video").send({ type: "mode", mode: "automatic" });
    assert.equal(rig.state, "video");
    assert.deepEqual(rig.take(), ["changed"]);
    rig.rtt(3250, 200);
    assert.equal(rig.state, "locked");
  });
});

describe("a hidden tab", () => {
  test("starts with nothing", () => {
    const rig = new Rig("automatic", false);
    assert.ok(!wantsVideo(rig.machine) && !wantsScreenshots(rig.machine));
    rig.send({ type: "visible", visible: true });
    assert.deepEqual(rig.take(), ["video-on", "changed"]);
  });

  test("is not judged, and begins anew when shown", () => {
    const rig = new Rig().rtt(2750, 900).send({ type: "visible", visible: false }).rtt(9000, 900);
    assert.equal(rig.state, "video");
    rig.send({ type: "visible", visible: true }).rtt(2750, 900);
    assert.equal(rig.state, "video");
    rig.send({ type: "visible", visible: false }).send({ type: "visible", visible: true });
    rig.rtt(2750, 900);
    assert.equal(rig.state, "video");
  });
});

describe("no decoder", () => {
  test("is for good: neither a click nor a mode brings video", () => {
    const rig = new Rig().send({ type: "decoder-missing", reason: "insecure" });
    assert.equal(rig.machine.reason, "insecure");
    assert.deepEqual(rig.take(), ["video-off", "screenshots-on", "changed"]);
    rig.send({ type: "click" }).send({ type: "mode", mode: "video" }).rtt(9000, 5);
    assert.equal(rig.state, "no-decoder");
    assert.equal(rig.machine.mode, "video");
  });
});

describe("without a WebSocket", () => {
  const plain = { type: "connected", plain: true };
  const back = { type: "connected", plain: false };

  test("screenshots replace video, which comes back by itself", () => {
    const rig = new Rig().send(plain);
    assert.deepEqual(rig.effects.splice(0), ["video-off", "screenshots-on", "changed"]);
    assert.deepEqual([rig.machine.state, wantsVideo(rig.machine), wantsScreenshots(rig.machine)], ["video", false, true]);
    rig.rtt(20_000, 900);
    assert.equal(rig.machine.state, "video");
    rig.send({ type: "visible", visible: false });
    assert.equal(wantsScreenshots(rig.machine), false);
    rig.send({ type: "visible", visible: true }).effects.length = 0;
    rig.send(back);
    assert.deepEqual(rig.effects, ["screenshots-off", "video-on", "changed"]);
  });

  test("what was locked comes back locked; a click meanwhile is of no use", () => {
    const rig = new Rig().rtt(10_000, 400).send(plain);
    assert.equal(rig.machine.state, "locked");
    rig.send({ type: "click" }).send(back);
    assert.equal(rig.machine.state, "locked");
    rig.send({ type: "click" });
    assert.equal(rig.machine.state, "measuring");
  });

  test("a measurement waits for the WebSocket", () => {
    const rig = new Rig("screenshots").send(plain).send({ type: "mode", mode: "automatic" });
    assert.equal(rig.machine.state, "measuring");
    assert.equal(wantsScreenshots(rig.machine), true);
    rig.rtt(10_000, 30);
    assert.equal(rig.machine.state, "measuring");
    rig.send(back).rtt(3000, 30);
    assert.equal(rig.machine.state, "video");
  });
});

describe("why video was left, for the statistics", () => {
  for (const [reason, leave] of /** @type {const} */ ([
    ["rtt", (rig) => rig.rtt(10_000, 400)],
    ["age", (rig) => rig.age(10_000, 5000)],
    ["silence", (rig) => rig.send({ type: "silent" }).repeat(250, { type: "silent" })],
    ["decoder", (rig) => rig.send({ type: "decoder-failed" })],
    ["insecure", (rig) => rig.send({ type: "decoder-missing", reason: "insecure" })],
    ["unsupported", (rig) => rig.send({ type: "decoder-missing", reason: "unsupported" })],
  ])) {
    test(reason, () => {
      const rig = new Rig();
      leave(rig);
      assert.deepEqual(rig.reasons, [reason]);
      rig.rtt(10_000, 400); // The reason is told only once.
      assert.deepEqual(rig.reasons, [reason]);
    });
  }

  test("a person's choice is none, nor is plain HTTP", () => {
    const rig = new Rig().send({ type: "mode", mode: "screenshots" });
    rig.send({ type: "connected", plain: true });
    assert.deepEqual(rig.reasons, []);
  });
});
