/** The way of a unit: codec string, gate, acknowledgement, decoder. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { ACK_DELAY_MS, ACK_RELAXED_MS, Acks } from "../../../services/gateway/fanlight_gateway/web/video/acknowledgements.js";
import { Decoder } from "../../../services/gateway/fanlight_gateway/web/video/decoder.js";
import { Gate, IDR_REPEAT_MS } from "../../../services/gateway/fanlight_gateway/web/video/gate.js";
import { codecString } from "../../../services/gateway/fanlight_gateway/web/video/h264.js";
import { DEFAULTS } from "../../../services/gateway/fanlight_gateway/web/protocol/settings.js";

const SPS = [0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x2a, 0xff];

function unit(sequence, { idr = false, epoch = 1, sps = SPS } = {}) {
  const payload = Uint8Array.from(idr ? [...sps, 0, 0, 1, 0x65, 1] : [0, 0, 0, 1, 0x41, 1]);
  const captured_us = epoch * 1e9 + sequence * 16_667;
  return { type: "VideoUnit", idr, width: 64, height: 48, epoch, sequence, captured_us, payload };
}

describe("codec string", () => {
  test("comes from the SPS, wherever it stands", () => {
    assert.equal(codecString(Uint8Array.from(SPS)), "avc1.42C02A");
    assert.equal(codecString(Uint8Array.from([0, 0, 0, 1, 9, 0x10, ...SPS])), "avc1.42C02A");
    assert.equal(codecString(Uint8Array.from([0, 0, 1, 0x27, 0x64, 0, 0x0a])), "avc1.64000A");
  });

  test("is null where there is none, or not all of it", () => {
    assert.equal(codecString(new Uint8Array()), null);
    assert.equal(codecString(Uint8Array.from([0, 0, 1, 0x67, 0x42])), null);
    assert.equal(codecString(unit(1).payload), null);
  });
});

describe("gate", () => {
  test("waits for an IDR, and lets what follows it through", () => {
    const gate = new Gate();
    assert.equal(gate.admit(unit(5)), false);
    assert.equal(gate.admit(unit(6, { idr: true })), true);
    assert.equal(gate.admit(unit(7)), true);
  });

  test("closes at a gap, a repetition and a new epoch", () => {
    for (const next of [unit(4), unit(2), unit(1), unit(3, { epoch: 2 })]) {
      const gate = new Gate();
      gate.admit(unit(1, { idr: true }));
      gate.admit(unit(2));
      assert.equal(gate.admit(next), false);
      assert.equal(gate.admit({ ...next, sequence: next.sequence + 1 }), false);
      assert.equal(gate.admit({ ...next, sequence: next.sequence + 9, idr: true }), true);
    }
  });

  test("sequences go round", () => {
    const gate = new Gate();
    gate.admit(unit(2 ** 32 - 1, { idr: true }));
    assert.equal(gate.admit(unit(0)), true);
  });

  test("asks once, and again if nothing came", () => {
    const gate = new Gate();
    assert.equal(gate.shouldAsk(0), true);
    assert.equal(gate.shouldAsk(IDR_REPEAT_MS - 1), false);
    assert.equal(gate.shouldAsk(IDR_REPEAT_MS), true);
    gate.admit(unit(1, { idr: true }));
    assert.equal(gate.shouldAsk(9999), false);
    gate.close();
    assert.equal(gate.shouldAsk(9999), true);
    gate.reset();
    assert.equal(gate.shouldAsk(9999), true);
  });
});

describe("acks", () => {
  test("what was received of one stream is told before another begins", () => {
    const acks = new Acks();
    acks.received(7, 10, false, 0);
    const ack = acks.begin();
    assert.equal(ack.epoch, 7);
    assert.equal(ack.received, 10);
    assert.equal(acks.begin(), null);
  });

  test("a paint is told at once, with what was received", () => {
    const acks = new Acks();
    acks.received(7, 10, false, 0);
    acks.received(7, 11, false, 3);
    const told = { type: "Ack", age_ms: 17, epoch: 7, received: 11, painted: 10 };
    assert.deepEqual(acks.painted(7, 10, 17.2, 4), told);
    assert.equal(acks.waiting, false);
    assert.equal(acks.due(9999), null);
  });

  test("what is not painted soon is told without", () => {
    const acks = new Acks();
    acks.received(7, 1, false, 0);
    acks.received(7, 2, false, 4);
    assert.equal(acks.due(ACK_DELAY_MS - 1), null);
    assert.equal(acks.waiting, true);
    assert.deepEqual(acks.due(ACK_DELAY_MS), { type: "Ack", age_ms: 65535, epoch: 7, received: 2, painted: 0 });
  });

  test("a new epoch has nothing painted, and pictures of the old one do not count", () => {
    const acks = new Acks();
    acks.received(1, 50, false, 0);
    acks.painted(1, 50, null, 1);
    acks.received(2, 1, false, 10);
    assert.equal(acks.painted(1, 51, 5, 11), null);
    assert.equal(acks.due(100).painted, 0);
    assert.equal(acks.painted(2, 1, 1e9, 101).age_ms, 65534);
  });

  test("another stream has nothing painted, even if its epoch is the same number", () => {
    const acks = new Acks();
    acks.received(1, 50, false, 0);
    acks.painted(1, 50, 20, 2);
    acks.begin();
    assert.equal(acks.waiting, false);
    acks.received(1, 3, false, 10);
    const told = { type: "Ack", age_ms: 65535, epoch: 1, received: 3, painted: 0 };
    assert.deepEqual(acks.due(10 + ACK_DELAY_MS), told);
  });

  test("what may wait is told with the next unit that may not, and with its paint", () => {
    const acks = new Acks();
    acks.received(7, 1, true, 0);
    assert.equal(acks.painted(7, 1, 20, 10), null);
    acks.received(7, 2, true, 16);
    assert.equal(acks.due(16 + ACK_DELAY_MS), null);
    acks.received(7, 3, false, 33);
    assert.equal(acks.painted(7, 2, 21, 35).received, 3);
    assert.equal(acks.due(33 + ACK_DELAY_MS), null, "told with the paint before it");
    acks.received(7, 4, true, 50);
    const told = { type: "Ack", age_ms: 22, epoch: 7, received: 4, painted: 3 };
    assert.deepEqual(acks.painted(7, 3, 22, 52), told);
    assert.equal(acks.painted(7, 4, 22, 70), null);
  });

  test("nothing waits longer than a relaxed one may, whatever comes meanwhile", () => {
    const acks = new Acks();
    acks.received(7, 1, true, 0);
    for (let sequence = 2; sequence < 6; sequence++) acks.received(7, sequence, true, 16 * sequence);
    assert.equal(acks.due_ms, ACK_RELAXED_MS);
    assert.equal(acks.due(ACK_RELAXED_MS - 1), null);
    assert.equal(acks.due(ACK_RELAXED_MS).received, 5);
    assert.equal(acks.due_ms, null);
    acks.painted(7, 5, 30, 200);
    assert.equal(acks.due(200 + ACK_RELAXED_MS).painted, 5);
  });

  test("one that may not wait brings it forward", () => {
    const acks = new Acks();
    acks.received(7, 1, true, 0);
    acks.received(7, 2, false, 10);
    assert.equal(acks.due(10 + ACK_DELAY_MS).received, 2);
  });

  test("another epoch or stream waits for no paint of the one before", () => {
    const acks = new Acks();
    acks.received(1, 9, false, 0);
    acks.due(ACK_DELAY_MS);
    acks.received(2, 1, true, 10);
    assert.equal(acks.painted(2, 1, 20, 12), null);
    acks.begin();
    acks.received(2, 1, true, 30);
    assert.equal(acks.painted(2, 1, 20, 32), null);
  });
});

/** A VideoDecoder that gives its pictures when it is told to. */
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
    settings: () => DEFAULTS,
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
    decoder.poke();
    assert.deepEqual(take(), []);
    decoder.push(unit(1, { idr: true }));
    await settle();
    decoder.poke();
    assert.deepEqual(take(), []);
    decoder.lost();
    decoder.poke();
    assert.deepEqual(take(), ["idr?"]);
    host.now_ms = IDR_REPEAT_MS;
    decoder.poke();
    decoder.poke();
    assert.deepEqual(take(), ["idr?"]);
    decoder.reset();
    decoder.poke();
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
    decoder.push(patch(3)); // kept behind the IDR, while the browser is asked about the codec
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
    assert.equal(made[0].give().closed, true); // too late, and closed all the same
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
    assert.equal(made[1].chunks.length, 1); // the SPS was the last one's
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
