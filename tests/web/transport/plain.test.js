/** Plain HTTP: batches, what is sent again and what is given up, and when WebSockets are blocked. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";

import { decodeBatch, encodeBatch } from "../../../services/gateway/fanlight_gateway/web/protocol/batches.js";
import { Passage } from "../../../services/gateway/fanlight_gateway/web/transport/selection.js";
import { CloseCode, ProtocolError } from "../../../services/gateway/fanlight_gateway/web/protocol/binary.js";
import { DEFAULTS } from "../../../services/gateway/fanlight_gateway/web/protocol/settings.js";
import { MAX_BATCH_BYTES, MAX_BATCH_MESSAGES, Uplink } from "../../../services/gateway/fanlight_gateway/web/transport/retransmission.js";

const VECTORS = JSON.parse(readFileSync(new URL("../../vectors/batches.json", import.meta.url), "utf8"));
const RELEASE = '{"set_focus":false}';

const bytes = (hex) => Uint8Array.from(Buffer.from(hex, "hex")).buffer;
const hex = (buffer) => Buffer.from(buffer).toString("hex");
const key = (usage, down = true) => ({ type: "Key", down, usage });

describe("batches", () => {
  for (const { name, messages, body } of VECTORS.batches) {
    test(name, () => {
      const raw = messages.map((m) => m.text ?? bytes(m.binary));
      assert.equal(hex(encodeBatch(raw)), body);
      assert.deepEqual(decodeBatch(bytes(body)), raw);
    });
  }
  for (const { name, body } of VECTORS.refused) {
    test(`refuses ${name}`, () => assert.throws(() => decodeBatch(bytes(body)), ProtocolError));
  }
});

/** What a batch says: usages of keys (negative: up), or texts. */
function said(batch) {
  return decodeBatch(batch.body).map((message) => {
    if (typeof message === "string") return message;
    const view = new DataView(message);
    const usage = view.getUint8(0) === 0x20 ? view.getUint16(2, true) : 0;
    return view.getUint8(1) ? usage : -usage;
  });
}

describe("uplink", () => {
  test("sends again, under the same numbers, until it is acknowledged", () => {
    const uplink = new Uplink();
    assert.equal(uplink.batch(0, 2000), null);
    uplink.push(key(4), 0);
    uplink.push(key(4, false), 0);
    const first = uplink.batch(0, 2000);
    assert.deepEqual([first.first, said(first)], [1, [4, -4]]);
    uplink.push(key(5), 10);
    const again = uplink.batch(10, 2000);
    assert.deepEqual([again.first, said(again)], [1, [4, -4, 5]]);
    uplink.acknowledge(2);
    assert.deepEqual([uplink.batch(10, 2000).first, said(uplink.batch(10, 2000))], [3, [5]]);
    uplink.acknowledge(1); // an old answer that comes late
    assert.equal(uplink.waiting, true);
    uplink.acknowledge(3);
    assert.equal(uplink.waiting, false);
  });

  test("what was typed too long ago is not typed later: what is held goes up instead", () => {
    const uplink = new Uplink();
    uplink.push(key(4), 0);
    uplink.control({ type: "Clipboard", text: "kept" }, 0);
    uplink.push({ type: "Ping", id: 1, viewer_us: 1 }, 0);
    uplink.push(key(5), 1500);
    const batch = uplink.batch(2001, 2000);
    assert.deepEqual([batch.first, said(batch)], [1, [RELEASE, '{"clipboard":{"text":"kept"}}', -0, 5]]);
    assert.deepEqual(said(uplink.batch(9999, 2000)).filter((m) => m === RELEASE).length, 2);
    assert.equal(uplink.batch(9999, 2000).first, 1);
  });

  test("knows what is down", () => {
    const uplink = new Uplink();
    uplink.push(key(225), 0);
    uplink.push({ type: "PointerButton", down: true, button: 1, position: null }, 0);
    uplink.push(key(225, false), 0);
    assert.equal(uplink.held, true);
    uplink.push({ type: "PointerButton", down: false, button: 1, position: null }, 0);
    assert.equal(uplink.held, false);
    uplink.push(key(4), 0);
    uplink.control({ type: "SetFocus", focused: true }, 0);
    assert.equal(uplink.held, true);
    uplink.control({ type: "SetFocus", focused: false }, 0);
    assert.equal(uplink.held, false);
  });

  test("a request is bounded; what alone is larger goes alone, and can be given up", () => {
    const uplink = new Uplink();
    uplink.push(key(4), 0);
    uplink.control({ type: "Clipboard", text: "x".repeat(MAX_BATCH_BYTES) }, 0);
    uplink.push(key(5), 0);
    assert.equal(uplink.batch(0, 2000).count, 1);
    uplink.acknowledge(1);
    assert.equal(uplink.batch(0, 2000).count, 1);
    uplink.giveUpLargest(1);
    assert.deepEqual(said(uplink.batch(0, 2000)), [RELEASE, 5]);
    uplink.acknowledge(3);
    uplink.giveUpLargest(1);
    for (let i = 0; i < 1000; i++) uplink.push(key(4), 0);
    assert.equal(uplink.batch(0, 2000).count, MAX_BATCH_MESSAGES);
  });
});

describe("passage", () => {
  const good = { code: 1006, lived_ms: 60_000, painted: true };
  const never = { code: 1006, lived_ms: null, painted: false };

  for (const [name, end] of [
    ["never opened", never],
    ["cut without a picture", { code: 1006, lived_ms: 60_000, painted: false }],
    ["cut soon, although there was a picture", { code: 1005, lived_ms: 4000, painted: true }],
  ]) {
    test("one that has worked here takes more failures", () => {
    const passage = new Passage();
    passage.works();
    const end = { code: 1006, lived_ms: null, painted: false };
    const limit = DEFAULTS.websocket_failure_limit * DEFAULTS.websocket_proven_factor;
    for (let i = 1; i < limit; i++) {
      passage.ended(end, DEFAULTS);
      assert.equal(passage.plain, false);
    }
    passage.ended(end, DEFAULTS);
    assert.equal(passage.plain, true);
  });

  test(`${name}, twice: plain HTTP`, () => {
      const passage = new Passage();
      passage.ended(end, DEFAULTS);
      assert.equal(passage.plain, false);
      passage.ended(end, DEFAULTS);
      assert.equal(passage.plain, true);
    });
  }

  test("a proxy that cuts what lasts long is no reason", () => {
    const passage = new Passage();
    for (const end of [never, good, never, good, good, never, good]) passage.ended(end, DEFAULTS);
    assert.equal(passage.plain, false);
  });

  test("what the gateway itself closed came through", () => {
    const passage = new Passage();
    for (const code of [CloseCode.GOING_AWAY, CloseCode.SLOW, CloseCode.REPLACED, CloseCode.TRY_LATER, 1001]) {
      passage.ended({ ...never, code }, DEFAULTS);
    }
    assert.equal(passage.plain, false);
  });

  test("where plain HTTP fails too, a WebSocket is next, and one failure of it is enough", () => {
    const passage = new Passage();
    passage.ended(never, DEFAULTS);
    passage.ended(never, DEFAULTS);
    passage.plainFailed(DEFAULTS);
    assert.equal(passage.plain, false);
    passage.ended(never, DEFAULTS);
    assert.equal(passage.plain, true);
    passage.changedOver(DEFAULTS);
    passage.ended({ ...good, lived_ms: 100 }, DEFAULTS);
    assert.equal(passage.plain, true);
  });

  test("tries again later and later, and begins anew after a WebSocket that worked", () => {
    const passage = new Passage(() => 1);
    const waits = Array.from({ length: 8 }, () => passage.wait(DEFAULTS));
    assert.deepEqual(waits, [5e3, 10e3, 20e3, 40e3, 80e3, 160e3, 300e3, 300e3]);
    passage.ended(good, DEFAULTS);
    assert.equal(passage.wait(DEFAULTS), 5000);
    assert.equal(new Passage(() => 0).wait(DEFAULTS), 2500);
  });
});
