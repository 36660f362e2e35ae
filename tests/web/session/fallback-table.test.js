import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";

import { Rig } from "./fallback-rig.js";

describe("the table at the top of fallback.js", () => {
  const STATES = ["video", "locked", "measuring", "screenshots", "no-decoder"];
  const source = readFileSync(new URL("../../../services/gateway/fanlight_gateway/web/session/fallback.js", import.meta.url), "utf8");
  const header = source.slice(0, source.indexOf("*/"));
  /** Rows as "state event next". A mode is a part of the event. */
  const documented = new Set(
    [...header.matchAll(/^ \* +([a-z-]+) +\| ([a-z-]+)(?:: (.*?))? *\| ([a-z-]+)$/gm)]
      .filter(([, state]) => state !== "state")
      .flatMap(([, state, event, detail, next]) => {
        const what = event === "mode" ? `mode ${detail}` : event;
        const from = state === "any" ? STATES.filter((each) => each !== next) : [state];
        return from.map((each) => `${each} ${what} ${next}`);
      }),
  );

  test("has every change of the state, and no other", () => {
    let seed = 20_260_202;
    const random = (n) => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((seed / 2 ** 32) * n);
    };
    const pick = (all) => all[random(all.length)];
    const events = [
      () => ({ type: "rtt", rtt_ms: pick([20, 900]), base_rtt_ms: 20 }),
      () => ({ type: "age", age_ms: pick([20, 9000]) }),
      () => ({ type: "click" }),
      () => ({ type: "mode", mode: pick(["automatic", "video", "screenshots"]) }),
      () => ({ type: "visible", visible: random(5) > 0 }),
      () => ({ type: "connected", plain: random(5) === 0 }),
      () => ({ type: "silent" }),
      () => ({ type: "decoder-failed" }),
    ];
    const missing = { type: "decoder-missing", reason: "unsupported" };
    const seen = new Set();
    for (let round = 0; round < 400; round++) {
      const rig = new Rig(pick(["automatic", "video", "screenshots"]));
      for (let step = 0; step < 150; step++) {
        rig.now_ms += pick([100, 500, 1000]);
        // The same event a few times: some changes need more than one.
        const make = random(400) === 0 ? () => missing : pick(events);
        const event = make();
        for (let times = pick([1, 1, 8]); times > 0; times--, rig.now_ms += 500) {
          const before = rig.state;
          rig.send(event);
          if (rig.state === before) continue;
          const what = event.type === "mode" ? `mode ${event.mode}` : event.type;
          seen.add(`${before} ${what} ${rig.state}`);
        }
      }
    }
    assert.equal(documented.size, 18);
    assert.deepEqual([...seen].sort(), [...documented].sort());
  });
});
