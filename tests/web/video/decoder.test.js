/** Tests that access units become pictures. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { IDR_REPEAT_MS } from "../../../services/gateway/fanlight_gateway/web/video/gate.js";
import { fakeCodecs, settle } from "./fake-codecs.js";
import { SPS, unit } from "./unit.js";

describe("decoder", () => {
  test("keeps the units that come before the browser has answered", async () => {
    const { decoder, codecs, take } = fakeCodecs();
    decoder.push(unit(1, { idr: true }));
    decoder.push(unit(2));
    assert.equal(codecs.length, 0);
    await settle();
    assert.deepEqual(codecs[0].config, { codec: "avc1.42C02A", optimizeForLatency: true, hardwareAcceleration: "no-preference" });
    assert.deepEqual(codecs[0].chunks.map((chunk) => chunk.type), ["key", "delta"]);
    assert.equal(codecs[0].give().closed, true);
    codecs[0].give();
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
    const { decoder, codecs, take, host } = fakeCodecs();
    decoder.push(unit(3));
    assert.deepEqual(take(), ["idr?"]);
    decoder.push(unit(4, { idr: true }));
    await settle();
    host.now_ms = 1000;
    decoder.push(unit(6));
    decoder.push(unit(7));
    assert.deepEqual(take(), ["idr?"]);
    assert.equal(codecs[0].chunks.length, 1);
  });

  test("the same codec goes on in the same decoder, another one in a new one", async () => {
    const { decoder, codecs } = fakeCodecs();
    decoder.push(unit(1, { idr: true }));
    await settle();
    decoder.push(unit(2, { idr: true }));
    assert.equal(codecs.length, 1);
    decoder.push(unit(3, { idr: true, sps: [0, 0, 1, 0x67, 0x42, 0xc0, 0x33, 0] }));
    decoder.push(unit(4));
    await settle();
    assert.equal(codecs.length, 2);
    assert.equal(codecs[1].chunks.length, 2);
    assert.equal(decoder.codec, "avc1.42C033");
  });

  test("what is in a decoder is shown until the one of another codec has a picture", async () => {
    const { decoder, codecs, abandoned, take } = fakeCodecs();
    decoder.push(unit(1, { idr: true }));
    await settle();
    for (const sequence of [2, 3]) decoder.push(unit(sequence));
    decoder.expectIdr();
    decoder.push(unit(9, { idr: true, epoch: 1, sps: [0, 0, 1, 0x67, 0x42, 0xc0, 0x33, 0] }));
    await settle();
    assert.equal(codecs[0].flushed, true);
    codecs[0].give();
    codecs[0].give();
    codecs[1].give();
    assert.equal(codecs[0].state, "closed");
    assert.equal(codecs[0].give().closed, true);
    assert.deepEqual(take(), ["picture 1", "picture 2", "picture 9"]);
    assert.deepEqual(abandoned, [3]);
  });

  test("patches pass the gate and not the decoder", async () => {
    const { decoder, codecs, take, host } = fakeCodecs();
    const patch = (sequence) => ({ ...unit(sequence), patch: true });
    decoder.push(patch(1));
    assert.deepEqual(take(), ["idr?"]);
    decoder.push(unit(2, { idr: true }));
    decoder.push(patch(3)); // It is kept behind the IDR, while the browser is asked about the codec.
    await settle();
    decoder.push(patch(4));
    decoder.push(unit(5));
    assert.deepEqual(take(), ["patch 3", "patch 4"]);
    assert.equal(codecs[0].chunks.length, 2);
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
    const { decoder, codecs, take } = fakeCodecs();
    decoder.push(unit(1, { idr: true }));
    await settle();
    decoder.lost();
    decoder.push(unit(2));
    assert.deepEqual(take(), ["idr?"]);
    assert.equal(codecs[0].chunks.length, 1);
  });

  test("two codecs in a row, both not yet known", async () => {
    const { decoder, codecs } = fakeCodecs();
    decoder.push(unit(1, { idr: true }));
    decoder.push(unit(2, { idr: true, sps: [0, 0, 1, 0x67, 0x42, 0xc0, 0x33, 0] }));
    decoder.push(unit(3));
    await settle();
    await settle();
    assert.equal(decoder.codec, "avc1.42C033");
    assert.equal(codecs.at(-1).chunks.length, 2);
  });

  test("falls behind: drops to the next IDR, asks for it, and begins there", async () => {
    const { decoder, codecs, take, host } = fakeCodecs();
    decoder.push(unit(1, { idr: true }));
    await settle();
    codecs[0].give();
    for (let sequence = 2; sequence <= 6; sequence++) decoder.push(unit(sequence));
    assert.equal(decoder.backlog, 5);
    take();
    host.now_ms = 1000;
    decoder.push(unit(7));
    decoder.push(unit(8));
    assert.deepEqual(take(), ["idr?"]);
    assert.equal(codecs[0].chunks.length, 5);
    decoder.push(unit(9, { idr: true }));
    assert.equal(codecs[0].state, "closed");
    assert.equal(codecs[1].chunks.length, 1);
    assert.equal(codecs[0].give().closed, true); // It comes too late, and is closed all the same.
    assert.deepEqual(take(), []);
  });

  test("is given time to start", async () => {
    const { decoder, codecs, take } = fakeCodecs();
    decoder.push(unit(1, { idr: true }));
    await settle();
    for (let sequence = 2; sequence <= 30; sequence++) decoder.push(unit(sequence));
    assert.equal(codecs[0].chunks.length, 30);
    assert.deepEqual(take(), []);
  });

  test("an error waits for an IDR, without the hardware; the third is the end", async () => {
    const { decoder, codecs, take, host } = fakeCodecs();
    for (let round = 0; round < 3; round++) {
      host.now_ms += 1000;
      decoder.push(unit(1, { idr: true, epoch: round + 1 }));
      await settle();
      codecs.at(-1).error(new Error("broken"));
    }
    assert.deepEqual(take(), ["idr?", "idr?", "failed: broken"]);
    assert.equal(codecs[1].config.hardwareAcceleration, "prefer-software");
  });

  test("an error of a decoder that was left behind does not count", async () => {
    const { decoder, codecs, take } = fakeCodecs();
    decoder.push(unit(1, { idr: true }));
    await settle();
    decoder.reset();
    codecs[0].error(new Error("broken"));
    assert.deepEqual(take(), []);
  });

  test("a unit that the decoder throws at is an error", async () => {
    const { decoder, codecs, take } = fakeCodecs();
    decoder.push(unit(1, { idr: true }));
    await settle();
    codecs[0].throws = true;
    decoder.push(unit(2));
    assert.deepEqual(take(), ["idr?"]);
    decoder.push(unit(3, { idr: true, sps: [] }));
    assert.equal(codecs[1].chunks.length, 1); // The SPS of before still counts.
  });

  test("an IDR without an SPS, at the start, is an error", () => {
    const { decoder, take } = fakeCodecs();
    decoder.push(unit(1, { idr: true, sps: [] }));
    assert.deepEqual(take(), ["idr?"]);
  });

  test("a codec that the browser does not play is said", async () => {
    const { decoder, take, codecs } = fakeCodecs({ supports: () => false });
    decoder.push(unit(1, { idr: true }));
    await settle();
    decoder.push(unit(2, { idr: true, sps: [0, 0, 1, 0x67, 0, 0, 0, 0] }));
    await settle();
    assert.deepEqual(take(), ["unsupported", "unsupported"]);
    assert.equal(codecs.length, 0);
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
    const { decoder, take, codecs, host } = fakeCodecs();
    decoder.push(unit(1, { idr: true }));
    await settle();
    codecs[0].give();
    decoder.push(unit(2));
    host.now_ms += 60_000;
    decoder.push(unit(3));
    assert.deepEqual(take(), ["picture 1"]);
  });

  test("an answer about a codec that comes after a reset is not acted on", async () => {
    const { decoder, codecs } = fakeCodecs();
    decoder.push(unit(1, { idr: true }));
    decoder.reset();
    await settle();
    assert.equal(codecs.length, 0);
  });

  test("what waits for an answer is bounded", async () => {
    const { decoder, codecs } = fakeCodecs();
    decoder.push(unit(1, { idr: true }));
    for (let sequence = 2; sequence < 400; sequence++) decoder.push(unit(sequence));
    await settle();
    assert.ok(codecs.length === 0 || codecs[0].chunks.length <= 240);
    decoder.push(unit(400, { idr: true }));
    assert.equal(codecs.at(-1).chunks[0].type, "key");
  });
});
