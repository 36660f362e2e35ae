/** Tests what a person reads about the connection. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe as group, test } from "node:test";

import { describeStatus, INITIAL_STATUS, isFresh, withoutNumbers, lacksEncoder, LOCKED_TEXT, mayBeSeen } from "../../../services/gateway/fanlight_gateway/web/element/status-text.js";
import { CloseCode } from "../../../services/gateway/fanlight_gateway/web/protocol/constants.js";

group("texts", () => {
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
  const say = (more) => describeStatus({ ...status, ...more });

  test("the lock says exactly what the write-up says", () => {
    const shown = say({ fallback: "locked", reason: "network" });
    assert.equal(shown.text, "Video paused to save bandwidth. Click to retry.");
    assert.equal(shown.text, LOCKED_TEXT);
    assert.deepEqual([shown.tone, shown.action], ["warning", "retry"]);
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
      const shown = say(more);
      assert.deepEqual([shown.text, shown.action], [text, action]);
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

group("a status", () => {
  test("begins with a connection", () => {
    assert.equal(describeStatus(INITIAL_STATUS).text, "Connecting…");
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

  test("a countdown is one text without its numbers", () => {
    const waiting = (retry_in_ms) => describeStatus({ ...INITIAL_STATUS, connection: "waiting", retry_in_ms });
    assert.equal(withoutNumbers(waiting(9000)), withoutNumbers(waiting(3000)));
  });
});
