/** What plain HTTP sends again, and what it gives up. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { decodeBatch } from "../../../services/gateway/fanlight_gateway/web/protocol/batches.js";
import { MAX_BATCH_BYTES, MAX_BATCH_MESSAGES, Uplink } from "../../../services/gateway/fanlight_gateway/web/transport/retransmission.js";

const RELEASE = '{"set_focus":false}';

const key = (usage, down = true) => ({ type: "Key", down, usage });

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
