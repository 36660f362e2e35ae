/** Tests that access units become pictures. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { Decoder } from "../../../services/gateway/fanlight_gateway/web/video/decoder.js";
import { IDR_REPEAT_MS } from "../../../services/gateway/fanlight_gateway/web/video/gate.js";
import { tableOf } from "../tables.js";
import { SPS, unit } from "./unit.js";

/** Returns a decoder on a VideoDecoder that gives its pictures when the test says so. */
function fakeCodecs({ supports = () => true } = {}) {
  const made = [];
  class VideoDecoder {
    state = "unconfigured";
    chunks = [];
    constructor({ output, error }) {
      Object.assign(this, { output, error });
      made.push(this);
    }
    static isConfigSupported({ codec }) {
      if (codec === "avc1.000000") return Promise.reject(new TypeError("what is this?"));
      return Promise.resolve({ supported: supports(codec) });
    }
    get decodeQueueSize() {
      return this.chunks.length;
    }
    configure(config) {
      this.state = "configured";
      this.config = config;
    }
    decode(chunk) {
      if (this.throws) throw new Error("bad data");
      this.chunks.push(chunk);
    }
    close() {
      this.state = "closed";
    }
    flush() {
      this.flushed = true;
      return Promise.reject(new Error("closed"));
    }
    give() {
      const { timestamp } = this.chunks.shift();
      const frame = { timestamp, closed: false, close() { this.closed = true; } };
      this.output(frame);
      return frame;
    }
  }
  class EncodedVideoChunk {
    constructor(init) {
      Object.assign(this, init);
    }
  }
  const log = [];
  const abandoned = [];
  let places = 0;
  const host = {
    now_ms: 0,
    now: () => host.now_ms,
    onexpected: () => ({ name: ++places }),
    onabandoned: ({ name }) => abandoned.push(name),
    onpicture: (frame, { sequence }, place) => {
      assert.ok(place.name);
      log.push(`picture ${sequence}`);
      frame.close();
    },
    onpatch: ({ sequence }) => log.push(`patch ${sequence}`),
    onneedidr: () => log.push("idr?"),
    onunsupported: () => log.push("unsupported"),
    onfailed: (why) => log.push(`failed: ${why}`),
    VideoDecoder,
    EncodedVideoChunk,
  };
  return { host, log, made, abandoned, decoder: new Decoder(host), take: () => log.splice(0) };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

describe("decoder", () => {
  test("keeps the units that come before the browser has answered", async () => {
    const { decoder, made, take } = fakeCodecs();
    decoder.push(unit(1, { idr: true }));
    decoder.push(unit(2));
    assert.equal(made.length, 0);
    await settle();
    assert.deepEqual(made[0].config, { codec: "avc1.42C02A", optimizeForLatency: true, hardwareAcceleration: "no-preference" });
    assert.deepEqual(made[0].chunks.map((chunk) => chunk.type), ["key", "delta"]);
    assert.equal(made[0].give().closed, true);
    made[0].give();
    assert.deepEqual(take(), ["picture 1", "picture 2"]);
  });

  test("asks again for an IDR that does not come, though no unit comes; not at a start", async () => {
    const { decoder, take, host } = fakeCodecs();
    decoder.tick();
    assert.deepEqual(take(), []);
    decoder.push(unit(1, { idr: true }));
    await settle();
    decoder.tick();
    assert.deepEqual(take(), []);
    decoder.lost();
    decoder.tick();
    assert.deepEqual(take(), ["idr?"]);
    host.now_ms = IDR_REPEAT_MS;
    decoder.tick();
    decoder.tick();
    assert.deepEqual(take(), ["idr?"]);
    decoder.reset();
    decoder.tick();
    assert.deepEqual(take(), []);
  });

  test("asks for an IDR where it begins in the middle, and after a gap", async () => {
    const { decoder, made, take, host } = fakeCodecs();
    decoder.push(unit(3));
    assert.deepEqual(take(), ["idr?"]);
    decoder.push(unit(4, { idr: true }));
    await settle();
    host.now_ms = 1000;
    decoder.push(unit(6));
    decoder.push(unit(7));
    assert.deepEqual(take(), ["idr?"]);
    assert.equal(made[0].chunks.length, 1);
  });

  test("the same codec goes on in the same decoder, another one in a new one", async () => {
    const { decoder, made } = fakeCodecs();
    decoder.push(unit(1, { idr: true }));
    await settle();
    decoder.push(unit(2, { idr: true }));
    assert.equal(made.length, 1);
    decoder.push(unit(3, { idr: true, sps: [0, 0, 1, 0x67, 0x42, 0xc0, 0x33, 0] }));
    decoder.push(unit(4));
    await settle();
    assert.equal(made.length, 2);
    assert.equal(made[1].chunks.length, 2);
    assert.equal(decoder.codec, "avc1.42C033");
  });

  test("what is in a decoder is shown until the one of another codec has a picture", async () => {
    const { decoder, made, abandoned, take } = fakeCodecs();
    decoder.push(unit(1, { idr: true }));
    await settle();
    for (const sequence of [2, 3]) decoder.push(unit(sequence));
    decoder.expectIdr();
    decoder.push(unit(9, { idr: true, epoch: 1, sps: [0, 0, 1, 0x67, 0x42, 0xc0, 0x33, 0] }));
    await settle();
    assert.equal(made[0].flushed, true);
    made[0].give();
    made[0].give();
    made[1].give();
    assert.equal(made[0].state, "closed");
    assert.equal(made[0].give().closed, true);
    assert.deepEqual(take(), ["picture 1", "picture 2", "picture 9"]);
    assert.deepEqual(abandoned, [3]);
  });

  test("patches pass the gate and not the decoder", async () => {
    const { decoder, made, take, host } = fakeCodecs();
    const patch = (sequence) => ({ ...unit(sequence), patch: true });
    decoder.push(patch(1));
    assert.deepEqual(take(), ["idr?"]);
    decoder.push(unit(2, { idr: true }));
    decoder.push(patch(3)); // It is kept behind the IDR, while the browser is asked about the codec.
    await settle();
    decoder.push(patch(4));
    decoder.push(unit(5));
    assert.deepEqual(take(), ["patch 3", "patch 4"]);
    assert.equal(made[0].chunks.length, 2);
    host.now_ms = 1000;
    decoder.push(patch(7));
    decoder.push(patch(8));
    assert.deepEqual(take(), ["idr?"]);
  });

  test("patches for seconds, while the decoder holds a picture back, are not a failure", async () => {
    const { decoder, take, host } = fakeCodecs();
    decoder.push(unit(1, { idr: true }));
    await settle();
    for (let sequence = 2; sequence < 12; sequence++) {
      host.now_ms += 1000;
      decoder.push({ ...unit(sequence), patch: true });
    }
    assert.deepEqual(take().filter((entry) => entry.startsWith("failed")), []);
  });

  test("what was lost on the way to the canvas is asked for anew, and waited for", async () => {
    const { decoder, made, take } = fakeCodecs();
    decoder.push(unit(1, { idr: true }));
    await settle();
    decoder.lost();
    decoder.push(unit(2));
    assert.deepEqual(take(), ["idr?"]);
    assert.equal(made[0].chunks.length, 1);
  });

  test("two codecs in a row, both not yet known", async () => {
    const { decoder, made } = fakeCodecs();
    decoder.push(unit(1, { idr: true }));
    decoder.push(unit(2, { idr: true, sps: [0, 0, 1, 0x67, 0x42, 0xc0, 0x33, 0] }));
    decoder.push(unit(3));
    await settle();
    await settle();
    assert.equal(decoder.codec, "avc1.42C033");
    assert.equal(made.at(-1).chunks.length, 2);
  });

  test("falls behind: drops to the next IDR, asks for it, and begins there", async () => {
    const { decoder, made, take, host } = fakeCodecs();
    decoder.push(unit(1, { idr: true }));
    await settle();
    made[0].give();
    for (let sequence = 2; sequence <= 6; sequence++) decoder.push(unit(sequence));
    assert.equal(decoder.backlog, 5);
    take();
    host.now_ms = 1000;
    decoder.push(unit(7));
    decoder.push(unit(8));
    assert.deepEqual(take(), ["idr?"]);
    assert.equal(made[0].chunks.length, 5);
    decoder.push(unit(9, { idr: true }));
    assert.equal(made[0].state, "closed");
    assert.equal(made[1].chunks.length, 1);
    assert.equal(made[0].give().closed, true); // It comes too late, and is closed all the same.
    assert.deepEqual(take(), []);
  });

  test("is given time to start", async () => {
    const { decoder, made, take } = fakeCodecs();
    decoder.push(unit(1, { idr: true }));
    await settle();
    for (let sequence = 2; sequence <= 30; sequence++) decoder.push(unit(sequence));
    assert.equal(made[0].chunks.length, 30);
    assert.deepEqual(take(), []);
  });

  test("an error waits for an IDR, without the hardware; the third is the end", async () => {
    const { decoder, made, take, host } = fakeCodecs();
    for (let round = 0; round < 3; round++) {
      host.now_ms += 1000;
      decoder.push(unit(1, { idr: true, epoch: round + 1 }));
      await settle();
      made.at(-1).error(new Error("broken"));
    }
    assert.deepEqual(take(), ["idr?", "idr?", "failed: broken"]);
    assert.equal(made[1].config.hardwareAcceleration, "prefer-software");
  });

  test("an error of a decoder that was left behind does not count", async () => {
    const { decoder, made, take } = fakeCodecs();
    decoder.push(unit(1, { idr: true }));
    await settle();
    decoder.reset();
    made[0].error(new Error("broken"));
    assert.deepEqual(take(), []);
  });

  test("a unit that the decoder throws at is an error", async () => {
    const { decoder, made, take } = fakeCodecs();
    decoder.push(unit(1, { idr: true }));
    await settle();
    made[0].throws = true;
    decoder.push(unit(2));
    assert.deepEqual(take(), ["idr?"]);
    decoder.push(unit(3, { idr: true, sps: [] }));
    assert.equal(made[1].chunks.length, 1); // The SPS of before still counts.
  });

  test("an IDR without an SPS, at the start, is an error", () => {
    const { decoder, take } = fakeCodecs();
    decoder.push(unit(1, { idr: true, sps: [] }));
    assert.deepEqual(take(), ["idr?"]);
  });

  test("a codec that the browser does not play is said", async () => {
    const { decoder, take, made } = fakeCodecs({ supports: () => false });
    decoder.push(unit(1, { idr: true }));
    await settle();
    decoder.push(unit(2, { idr: true, sps: [0, 0, 1, 0x67, 0, 0, 0, 0] }));
    await settle();
    assert.deepEqual(take(), ["unsupported", "unsupported"]);
    assert.equal(made.length, 0);
  });

  test("units for five seconds without a picture are the end", async () => {
    const { decoder, take, host } = fakeCodecs();
    decoder.push(unit(1, { idr: true }));
    await settle();
    for (let sequence = 2; sequence < 12; sequence++) {
      host.now_ms += 500;
      decoder.push(unit(sequence));
    }
    assert.deepEqual(take(), ["failed: units came, but no picture"]);
  });

  test("a desk at rest is not a failure", async () => {
    const { decoder, take, made, host } = fakeCodecs();
    decoder.push(unit(1, { idr: true }));
    await settle();
    made[0].give();
    decoder.push(unit(2));
    host.now_ms += 60_000;
    decoder.push(unit(3));
    assert.deepEqual(take(), ["picture 1"]);
  });

  test("an answer about a codec that comes after a reset is not acted on", async () => {
    const { decoder, made } = fakeCodecs();
    decoder.push(unit(1, { idr: true }));
    decoder.reset();
    await settle();
    assert.equal(made.length, 0);
  });

  test("what waits for an answer is bounded", async () => {
    const { decoder, made } = fakeCodecs();
    decoder.push(unit(1, { idr: true }));
    for (let sequence = 2; sequence < 400; sequence++) decoder.push(unit(sequence));
    await settle();
    assert.ok(made.length === 0 || made[0].chunks.length <= 240);
    decoder.push(unit(400, { idr: true }));
    assert.equal(made.at(-1).chunks[0].type, "key");
  });
});

describe("the table at the top of decoder.js", () => {
  const OTHER_SPS = [0, 0, 1, 0x67, 0x42, 0xc0, 0x33, 0];
  const STATES = ["idle", "starting", "running", "behind"];
  const isClosed = ({ made }) => made.map(({ state }) => state === "closed");

  /** Brings a decoder into a state; unit 1 was its IDR. */
  async function reach(state) {
    const it = fakeCodecs();
    if (state !== "idle") {
      it.decoder.push(unit(1, { idr: true }));
      await settle();
    }
    if (state === "running" || state === "behind") it.made[0].give();
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
      it.made[0].give();
      assert.deepEqual([it.take(), isClosed(it)], [["picture 1"], [false]]);
    },
    3: async (it) => {
      it.decoder.push(unit(it.next, { idr: true })); // So the run has a picture left.
      it.decoder.push(unit(it.next + 1, { idr: true, sps: OTHER_SPS }));
      await settle();
      assert.deepEqual([isClosed(it), it.made[0].flushed], [[false, false], true]);
      it.made[0].give();
      assert.equal(it.take().length, 1, "its pictures are still shown");
    },
    4: async (it, from) => {
      const most = 4 * (from === "starting" ? 15 : 1);
      const { decoder, made } = it;
      let sequence = it.next;
      while (decoder.backlog <= most) decoder.push(unit(sequence++));
      assert.equal(decoder.state, from);
      decoder.push(unit(sequence));
      assert.deepEqual([it.take(), made[0].chunks.length], [["idr?"], most + 1]);
    },
    5: async (it) => {
      it.decoder.push(unit(it.next + 100, { idr: true }));
      assert.deepEqual(isClosed(it), [true, false]);
    },
    6: async (it) => {
      it.made[0].error(new Error("broken"));
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
    it.made[0].give();
    assert.equal(it.decoder.state, "behind");
  });

  test("2: the former run ends with the first picture of the next one", async () => {
    const it = await reach("starting");
    it.decoder.push(unit(2, { idr: true, sps: OTHER_SPS }));
    await settle();
    assert.deepEqual(isClosed(it), [false, false]);
    it.made[1].give();
    assert.deepEqual([isClosed(it), it.decoder.state], [[true, false], "running"]);
  });
});
