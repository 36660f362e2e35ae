/** Reconnection, settings, rates, and the words for how things stand. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe as group, test } from "node:test";

import { Figures } from "../../../services/gateway/fanlight_gateway/web/measure/picture-statistics.js";
import { Meter } from "../../../services/gateway/fanlight_gateway/web/measure/rate-meter.js";
import { CloseCode } from "../../../services/gateway/fanlight_gateway/web/protocol/binary.js";
import { Reconnect } from "../../../services/gateway/fanlight_gateway/web/transport/reconnect.js";
import { DEFAULTS, withDefaults } from "../../../services/gateway/fanlight_gateway/web/protocol/settings.js";
import { statsRows } from "../../../services/gateway/fanlight_gateway/web/page/statistics.js";
import { refusal } from "../../../services/gateway/fanlight_gateway/web/page/refusal.js";
import { describe, INITIAL_STATUS, isFresh, kind, lacksEncoder, LOCKED_WORDS, mayBeSeen } from "../../../services/gateway/fanlight_gateway/web/element/status-text.js";

group("reconnect", () => {
  test("waits longer and longer, up to a limit, and begins anew on the first paint", () => {
    const reconnect = new Reconnect(() => 1);
    const waits = Array.from({ length: 8 }, () => reconnect.closed(1006, DEFAULTS));
    assert.deepEqual(waits, [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
    reconnect.reset();
    assert.equal(reconnect.closed(CloseCode.SLOW, DEFAULTS), 250);
  });

  test("is jittered, and never at once", () => {
    const reconnect = new Reconnect(() => 0);
    assert.deepEqual([1, 2, 3].map(() => reconnect.closed(1006, DEFAULTS)), [125, 250, 500]);
    const wait_ms = new Reconnect().closed(1006, DEFAULTS);
    assert.ok(wait_ms >= 125 && wait_ms <= 250);
  });

  test("is at once where the gateway goes, and not again and again", () => {
    for (const [random, first_ms] of [[0, 0], [0.5, 125], [1, 250]]) {
      const reconnect = new Reconnect(() => random);
      assert.equal(reconnect.closed(CloseCode.GOING_AWAY, DEFAULTS), first_ms);
      assert.ok(reconnect.closed(CloseCode.GOING_AWAY, DEFAULTS) >= 250, "there is no other, it seems");
      reconnect.reset();
      assert.equal(reconnect.closed(CloseCode.GOING_AWAY, DEFAULTS), first_ms);
    }
    assert.equal(new Reconnect(() => 0).closed(CloseCode.TRY_LATER, DEFAULTS), 125);
  });

  test("never after a code that says so", () => {
    const { GOING_AWAY, TRY_LATER, FAILED, SLOW, ...final } = CloseCode;
    for (const code of Object.values(final)) assert.equal(new Reconnect().closed(code, DEFAULTS), null);
    for (const code of [GOING_AWAY, TRY_LATER, FAILED, SLOW]) assert.notEqual(new Reconnect().closed(code, DEFAULTS), null);
  });
});

group("settings", () => {
  test("the gateway's values replace the defaults, where they are usable", () => {
    const settings = withDefaults({ rtt_limit_ms: 300, sustain_ms: -1, age_limit_ms: NaN, tomorrow: 1 });
    assert.equal(settings.rtt_limit_ms, 300);
    assert.equal(settings.sustain_ms, 3000);
    assert.equal(settings.age_limit_ms, 1000);
    assert.equal("tomorrow" in settings, false);
    assert.ok(Object.isFrozen(settings) && Object.isFrozen(DEFAULTS));
    assert.deepEqual(withDefaults(), DEFAULTS);
  });
});

group("meter", () => {
  test("the rate of the last two seconds", () => {
    const meter = new Meter();
    for (let at_ms = 0; at_ms < 4000; at_ms += 100) meter.add(50, at_ms);
    assert.equal(meter.rate(3999), 500);
    assert.equal(meter.rate(60_000), 0);
  });
});

group("words", () => {
  const status = {
    connection: "open",
    closeCode: null,
    retry_in_ms: null,
    role: "control",
    desk: "live",
    video: "live",
    fallback: "video",
    mode: "automatic",
    reason: null,
    visible: true,
    plain: false,
    painted: true,
    problem: null,
  };
  const say = (more) => describe({ ...status, ...more });

  test("the lock says exactly what the write-up says", () => {
    const words = say({ fallback: "locked", reason: "network" });
    assert.equal(words.text, "Video paused to save bandwidth. Click to retry.");
    assert.equal(words.text, LOCKED_WORDS);
    assert.deepEqual([words.tone, words.action], ["warning", "retry"]);
  });

  for (const [more, text, action] of [
    [{}, "Live video", null],
    [{ painted: false }, "Waiting for a picture…", null],
    [{ video: "waiting" }, "Waiting for an encoder…", null],
    [{ fallback: "locked", reason: "decoder" }, "Video could not be shown. Click to retry.", "retry"],
    [{ fallback: "measuring" }, "Measuring the connection…", null],
    [{ fallback: "screenshots" }, "Screenshots", null],
    [{ fallback: "screenshots", painted: false }, "Waiting for a picture…", null],
    [{ fallback: "no-decoder", reason: "insecure" }, "Screenshots: video needs a secure (https) address", null],
    [{ fallback: "no-decoder", reason: "unsupported" }, "Screenshots: this browser cannot play H.264 video", null],
    [{ plain: true }, "Screenshots: this network blocks WebSockets", null],
    [{ plain: true, fallback: "locked", reason: "network" }, "Screenshots: this network blocks WebSockets", null],
    [{ plain: true, fallback: "screenshots" }, "Screenshots", null],
    [{ visible: false }, "Paused while hidden", null],
    [{ desk: "gone" }, "The desk has gone. Waiting for it…", null],
    [{ desk: "away" }, "The desk's display is away. Waiting for it…", null],
    [{ connection: "connecting" }, "Connecting…", null],
    [{ connection: "waiting", retry_in_ms: 1200 }, "Reconnecting in 2 s", "reconnect"],
    [{ connection: "waiting" }, "Reconnecting…", "reconnect"],
    [{ connection: "closed", closeCode: 4401 }, "Not signed in, or the link has expired", null],
    [{ connection: "closed", closeCode: 4403 }, "Not allowed: the link may be for another desk", null],
    [{ connection: "closed", closeCode: 4404 }, "No desk of this name. Click to look again.", "reconnect"],
    [{ connection: "closed", closeCode: 4409 }, "Opened somewhere else. Click to use it here.", "reconnect"],
    [{ connection: "closed", closeCode: 4429 }, "Too many messages. Click to connect again.", "reconnect"],
    [{ connection: "closed", closeCode: 4400 }, "The connection was refused. Click to connect again.", "reconnect"],
    [{ connection: "closed" }, "The connection was refused. Click to connect again.", "reconnect"],
    [{ problem: "outdated" }, "This page is older than its server. Click to reload.", "reload"],
    [{ problem: "broken" }, "The viewer broke. Click to reload.", "reload"],
    [{ problem: "too-old" }, "This browser is too old to show a desk", null],
  ]) {
    test(text, () => {
      const words = say(more);
      assert.deepEqual([words.text, words.action], [text, action]);
    });
  }

  test("what is fine does not cover the picture", () => {
    assert.equal(say({}).quiet, true);
    assert.equal(say({ fallback: "no-decoder", reason: "unsupported" }).quiet, true);
    assert.equal(say({ fallback: "no-decoder", reason: "unsupported", painted: false }).quiet, false);
    assert.equal(say({ fallback: "locked", reason: "network" }).quiet, false);
  });
});

test("what docs/operations.md quotes in its questions, the page says", () => {
  const read = (name) => readFileSync(new URL(`../../../${name}`, import.meta.url), "utf8");
  const web = "services/gateway/fanlight_gateway/web";
  const page = ["element/status-text.js", "page/refusal.js"].map((name) => read(`${web}/${name}`)).join("");
  const quoted = [...read("docs/operations.md").matchAll(/^\*\*"(.+?)"\*\*/gm)].map(([, words]) => words);
  assert.ok(quoted.length >= 5, quoted.join());
  for (const words of quoted) assert.ok(page.includes(`"${words}`), words);
});

group("in place of a desk", () => {
  const desk = (name) => ({ name, state: "live", width: 1, height: 1 });
  const say = (closeCode, more = {}) => refusal({ closeCode, desk: "main", desks: null, hasSignedIn: false, ...more });

  test("only where there is nothing to see", () => {
    for (const code of [null, 1006, CloseCode.REPLACED, CloseCode.TOO_FAST, CloseCode.BAD_MESSAGE]) {
      assert.equal(say(code), null);
    }
  });

  test("a link that is no more good, and one whose cookie goes elsewhere", () => {
    assert.equal(say(CloseCode.UNAUTHORIZED).title, describe({ ...INITIAL_STATUS, connection: "closed", closeCode: 4401 }).text);
    assert.equal(say(CloseCode.UNAUTHORIZED).wantsLink, true);
    const lost = say(CloseCode.UNAUTHORIZED, { hasSignedIn: true });
    assert.match(lost.text, /another path/);
    assert.equal(lost.wantsLink, false);
  });

  test("a link for another desk, and an address that the gateway does not take", () => {
    assert.match(say(CloseCode.FORBIDDEN).text, /not for the desk “main”\.$/);
    assert.match(say(CloseCode.FORBIDDEN, { desks: [desk("second")] }).text, /It is for:$/);
    assert.match(say(CloseCode.FORBIDDEN, { desks: [] }).text, /No other is running/);
    assert.match(say(CloseCode.FORBIDDEN, { desks: [desk("main")] }).text, /ALLOWED_ORIGINS/);
  });

  test("a desk that is not there", () => {
    assert.match(say(CloseCode.NO_SUCH_DESK).text, /“main” is not running.*looks again by itself\.$/);
    assert.match(say(CloseCode.NO_SUCH_DESK, { desks: [desk("second")] }).text, /These are running:$/);
    assert.match(say(CloseCode.NO_SUCH_DESK, { desks: [] }).text, /No other is running/);
  });
});

group("statistics", () => {
  const stats = {
    mode: "automatic", state: "video", connection: "open", transport: "websocket", rtt_ms: 1.23, base_rtt_ms: 0.9, age_ms: 33.3,
    painted: 9, fps: 29.97, bitrate_kbps: 2345, decoder: "WebCodecs", codec: "avc1.42C02A",
    rendition: "high", width: 1920,
    height: 1080, epoch: 1, received: 9, video_bytes: 1, still_bytes: 0, backlog: 0, quality: null,
    scale: null, stale: false,
  };
  const rows = (more) => Object.fromEntries(statsRows({ ...stats, ...more }));

  test("are read by people", () => {
    assert.deepEqual(rows({}), {
      "Age of the picture": "33 ms",
      "Round trip": "1.2 ms",
      "Least round trip": "0.9 ms",
      "Pictures a second": "30.0",
      Rate: "2.3 Mbit/s",
      Size: "1920 × 1080",
      Decoder: "WebCodecs",
      Connection: "WebSocket",
      Rendition: "high",
      Codec: "avc1.42C02A",
    });
  });

  test("of screenshots, and of nothing yet", () => {
    const still = rows({ codec: null, rendition: null, quality: 70, scale: 0.5, bitrate_kbps: 12.4, width: 0, rtt_ms: null, age_ms: 61_000 });
    assert.equal(still.Quality, "70 of 100");
    assert.equal(still.Scale, "50 %");
    assert.equal(still.Rate, "12 kbit/s");
    assert.equal(still.Size, "–");
    assert.equal(still["Round trip"], "–");
    assert.equal(still["Age of the picture"], "61 s");
    assert.equal("Codec" in still, false);
    assert.equal(rows({ transport: "http" }).Connection, "Plain HTTP");
  });
});

group("a status", () => {
  test("begins with a connection", () => {
    assert.equal(describe(INITIAL_STATUS).text, "Connecting…");
  });

  test("tells whether the picture is of now", () => {
    const open = { ...INITIAL_STATUS, connection: "open", desk: "live" };
    assert.equal(isFresh(open), true);
    for (const more of [{ connection: "waiting" }, { desk: "away" }, { desk: "gone" }, { problem: "broken" }]) {
      assert.equal(isFresh({ ...open, ...more }), false);
    }
  });

  test("tells that video has nobody who makes it, where video is what is shown", () => {
    const waiting = { ...INITIAL_STATUS, connection: "open", desk: "live", video: "waiting" };
    assert.deepEqual([lacksEncoder(waiting), isFresh(waiting)], [true, false]);
    for (const more of [{ video: "live" }, { fallback: "locked" }, { fallback: "screenshots" }, { plain: true }]) {
      assert.deepEqual([lacksEncoder({ ...waiting, ...more }), isFresh({ ...waiting, ...more })], [false, true]);
    }
  });

  test("tells whether a picture may be seen", () => {
    const seen = (more) => mayBeSeen({ ...INITIAL_STATUS, ...more });
    assert.ok(seen({}) && seen({ connection: "waiting", closeCode: 1006 }));
    assert.ok(seen({ connection: "closed", closeCode: CloseCode.REPLACED }));
    for (const closeCode of [CloseCode.UNAUTHORIZED, CloseCode.FORBIDDEN]) {
      assert.equal(seen({ connection: "closed", closeCode }), false);
    }
  });

  test("a countdown is one kind of words", () => {
    const waiting = (retry_in_ms) => describe({ ...INITIAL_STATUS, connection: "waiting", retry_in_ms });
    assert.equal(kind(waiting(9000)), kind(waiting(3000)));
  });
});

group("figures", () => {
  const clock = { age: (captured_us, now_ms) => now_ms - captured_us / 1000 };
  const unit = (sequence, epoch = 1) => ({ type: "VideoUnit", epoch, sequence, captured_us: sequence * 10_000 });

  test("the age is that of the paint, and grows only while something newer has come", () => {
    const figures = new Figures(clock);
    assert.equal(figures.overdue(0), null);
    figures.unit(unit(1), 100, 20);
    assert.equal(figures.overdue(5000), null); // nothing is on the screen yet
    figures.paintedUnit(unit(1), 30);
    assert.equal(figures.age_ms, 20);
    assert.equal(figures.overdue(60_000), null);
    figures.unit(unit(2), 100, 60_000);
    assert.equal(figures.overdue(60_010), 60_000);
    figures.forget();
    assert.equal(figures.overdue(60_010), null);
    figures.unit(unit(1, 2), 100, 60_020);
    figures.paintedUnit(unit(1), 60_020);
    assert.notEqual(figures.overdue(60_030), null); // of the old epoch
  });

  test("a still, and one that has not changed", () => {
    const figures = new Figures(clock);
    figures.unchanged(5, true, 10);
    assert.equal(figures.age_ms, null);
    figures.still(1000, true, 1000);
    figures.painted(990_000, 1000);
    assert.deepEqual([figures.age_ms, figures.stale, figures.still_bytes], [10, true, 1000]);
    figures.unchanged(1_995_000, false, 2000);
    assert.deepEqual([figures.age_ms, figures.stale], [5, false]);
    figures.painted(null, 2500);
    assert.equal(figures.age_ms, null);
    assert.deepEqual(figures.rates(2500), { fps: 1, bitrate_kbps: 4 });
  });
});
