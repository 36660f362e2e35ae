/** Tests what plain HTTP sends again, and what it gives up. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { decodeBatch } from "../../../services/gateway/fanlight_gateway/web/protocol/batches.js";
import { MAX_BATCH_BYTES, MAX_BATCH_MESSAGES, RetransmissionQueue } from "../../../services/gateway/fanlight_gateway/web/transport/retransmission.js";

const RELEASE = '{"set_focus":false}';

const key = (usage, down = true) => ({ type: "Key", down, usage });

/** Returns what a batch says: usages of keys (negative: up), or texts. */
function said(batch) {
  return decodeBatch(batch.body).map((message) => {
    if (typeof message === "string") return message;
    const view = new DataView(message);
    const usage = view.getUint8(0) === 0x20 ? view.getUint16(2, true) : 0;
    return view.getUint8(1) ? usage : -usage;
  });
}

describe("retransmission", () => {
  test("sends again, under the same numbers, until it is acknowledged", () => {
    const queue = new RetransmissionQueue();
    assert.equal(queue.batch(0, 2000), null);
    queue.push(key(4), 0);
    queue.push(key(4, false), 0);
    const first = queue.batch(0, 2000);
    assert.deepEqual([first.first, said(first)], [1, [4, -4]]);
    queue.push(key(5), 10);
    const again = queue.batch(10, 2000);
    assert.deepEqual([again.first, said(again)], [1, [4, -4, 5]]);
    queue.acknowledge(2);
    assert.deepEqual([queue.batch(10, 2000).first, said(queue.batch(10, 2000))], [3, [5]]);
    queue.acknowledge(1); // An old answer comes late.
    assert.equal(queue.isWaiting, true);
    queue.acknowledge(3);
    assert.equal(queue.isWaiting, false);
  });

  test("what was typed too long ago is not typed later: what is held goes up instead", () => {
    const queue = new RetransmissionQueue();
    queue.push(key(4), 0);
    queue.pushControl({ type: "Clipboard", text: "kept" }, 0);
    queue.push({ type: "Ping", id: 1, viewer_us: 1 }, 0);
    queue.push(key(5), 1500);
    const batch = queue.batch(2001, 2000);
    assert.deepEqual([batch.first, said(batch)], [1, [RELEASE, '{"clipboard":{"text":"kept"}}', -0, 5]]);
    assert.deepEqual(said(queue.batch(9999, 2000)).filter((m) => m === RELEASE).length, 2);
    assert.equal(queue.batch(9999, 2000).first, 1);
  });

  test("knows what is down", () => {
    const queue = new RetransmissionQueue();
    queue.push(key(225), 0);
    queue.push({ type: "PointerButton", down: true, button: 1, position: null }, 0);
    queue.push(key(225, false), 0);
    assert.equal(queue.isAnyKeyDown, true);
    queue.push({ type: "PointerButton", down: false, button: 1, position: null }, 0);
    assert.equal(queue.isAnyKeyDown, false);
    queue.push(key(4), 0);
    queue.pushControl({ type: "SetFocus", focused: true }, 0);
    assert.equal(queue.isAnyKeyDown, true);
    queue.pushControl({ type: "SetFocus", focused: false }, 0);
    assert.equal(queue.isAnyKeyDown, false);
  });

  test("a request is bounded; what alone is larger goes alone, and can be given up", () => {
    const queue = new RetransmissionQueue();
    queue.push(key(4), 0);
    queue.pushControl({ type: "Clipboard", text: "x".repeat(MAX_BATCH_BYTES) }, 0);
    queue.push(key(5), 0);
    assert.equal(queue.batch(0, 2000).count, 1);
    queue.acknowledge(1);
    assert.equal(queue.batch(0, 2000).count, 1);
    queue.giveUpLargest(1);
    assert.deepEqual(said(queue.batch(0, 2000)), [RELEASE, 5]);
    queue.acknowledge(3);
    queue.giveUpLargest(1);
    for (let i = 0; i < 1000; i++) queue.push(key(4), 0);
    assert.equal(queue.batch(0, 2000).count, MAX_BATCH_MESSAGES);
  });
});
