/** Tests that the table at the top of decoder.js and the code agree. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { IDR_REPEAT_MS } from "../../../services/gateway/fanlight_gateway/web/video/gate.js";
import { tableOf } from "../tables.js";
import { fakeCodecs, settle } from "./fake-codecs.js";
import { unit } from "./unit.js";

describe("the table at the top of decoder.js", () => {
  const OTHER_SPS = [0, 0, 1, 0x67, 0x42, 0xc0, 0x33, 0];
  const STATES = ["idle", "starting", "running", "behind"];
  const isClosed = ({ codecs }) => codecs.map(({ state }) => state === "closed");

  /** Brings a decoder into a state; unit 1 was its IDR. */
  async function reach(state) {
    const it = fakeCodecs();
    if (state !== "idle") {
      it.decoder.push(unit(1, { idr: true }));
      await settle();
    }
    if (state === "running" || state === "behind") it.codecs[0].give();
    let sequence = 1;
    while (state === "behind" && it.decoder.state !== "behind") it.decoder.push(unit(++sequence));
    assert.equal(it.decoder.state, state);
    it.host.now_ms += IDR_REPEAT_MS; // So an IDR may be asked for again.
    it.take();
    return { ...it, next: sequence + 1 };
  }
  /** For each row by its number: makes the event happen, and checks what it does. */
  const ROWS = {
    1: async (it) => {
      it.decoder.push(unit(it.next, { idr: true }));
      await settle();
      assert.deepEqual(isClosed(it), [false]);
    },
    2: async (it) => {
      it.codecs[0].give();
      assert.deepEqual([it.take(), isClosed(it)], [["picture 1"], [false]]);
    },
    3: async (it) => {
      it.decoder.push(unit(it.next, { idr: true })); // So the run has a picture left.
      it.decoder.push(unit(it.next + 1, { idr: true, sps: OTHER_SPS }));
      await settle();
      assert.deepEqual([isClosed(it), it.codecs[0].flushed], [[false, false], true]);
      it.codecs[0].give();
      assert.equal(it.take().length, 1, "its pictures are still shown");
    },
    4: async (it, from) => {
      const most = 4 * (from === "starting" ? 15 : 1);
      const { decoder, codecs } = it;
      let sequence = it.next;
      while (decoder.backlog <= most) decoder.push(unit(sequence++));
      assert.equal(decoder.state, from);
      decoder.push(unit(sequence));
      assert.deepEqual([it.take(), codecs[0].chunks.length], [["idr?"], most + 1]);
    },
    5: async (it) => {
      it.decoder.push(unit(it.next + 100, { idr: true }));
      assert.deepEqual(isClosed(it), [true, false]);
    },
    6: async (it) => {
      it.codecs[0].error(new Error("broken"));
      assert.deepEqual([it.take(), isClosed(it)], [["idr?"], [true]]);
    },
    7: async (it) => {
      it.decoder.reset();
      assert.ok(isClosed(it).every(Boolean));
      it.decoder.push(unit(it.next));
      assert.deepEqual(it.take(), ["idr?"]);
    },
  };
  const rows = tableOf("video/decoder.js");

  test("has a test for each of its rows", () => {
    assert.deepEqual(rows.map(([, event]) => String(parseInt(event, 10))), Object.keys(ROWS));
  });

  for (const [states, event, next] of rows) {
    for (const from of states === "any" ? STATES : states.split(", ")) {
      test(`${from}, ${event}`, async () => {
        const it = await reach(from);
        await ROWS[parseInt(event, 10)](it, from);
        assert.equal(it.decoder.state, next);
      });
    }
  }

  test("4: a picture of a run that has fallen behind does not open it again", async () => {
    const it = await reach("behind");
    it.codecs[0].give();
    assert.equal(it.decoder.state, "behind");
  });

  test("2: the former run ends with the first picture of the next one", async () => {
    const it = await reach("starting");
    it.decoder.push(unit(2, { idr: true, sps: OTHER_SPS }));
    await settle();
    assert.deepEqual(isClosed(it), [false, false]);
    it.codecs[1].give();
    assert.deepEqual([isClosed(it), it.decoder.state], [[true, false], "running"]);
  });
});
