/** Tests when and what the gateway is told about the units. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { ACK_DELAY_MS, ACK_RELAXED_MS, Acknowledgements } from "../../../services/gateway/fanlight_gateway/web/video/acknowledgements.js";
import { tableOf } from "../tables.js";

describe("acks", () => {
  test("what was received of one stream is told before another begins", () => {
    const acks = new Acknowledgements();
    acks.received(7, 10, false, 0);
    const ack = acks.beginStream();
    assert.equal(ack.epoch, 7);
    assert.equal(ack.received, 10);
    assert.equal(acks.beginStream(), null);
  });

  test("a paint is told at once, with what was received", () => {
    const acks = new Acknowledgements();
    acks.received(7, 10, false, 0);
    acks.received(7, 11, false, 3);
    const told = { type: "Ack", age_ms: 17, epoch: 7, received: 11, painted: 10 };
    assert.deepEqual(acks.painted(7, 10, 17.2, 4), told);
    assert.equal(acks.isWaiting, false);
    assert.equal(acks.due(9999), null);
  });

  test("what is not painted soon is told without", () => {
    const acks = new Acknowledgements();
    acks.received(7, 1, false, 0);
    acks.received(7, 2, false, 4);
    assert.equal(acks.due(ACK_DELAY_MS - 1), null);
    assert.equal(acks.isWaiting, true);
    assert.deepEqual(acks.due(ACK_DELAY_MS), { type: "Ack", age_ms: 65535, epoch: 7, received: 2, painted: 0 });
  });

  test("a new epoch has nothing painted, and pictures of the old one do not count", () => {
    const acks = new Acknowledgements();
    acks.received(1, 50, false, 0);
    acks.painted(1, 50, null, 1);
    acks.received(2, 1, false, 10);
    assert.equal(acks.painted(1, 51, 5, 11), null);
    assert.equal(acks.due(100).painted, 0);
    assert.equal(acks.painted(2, 1, 1e9, 101).age_ms, 65534);
  });

  test("another stream has nothing painted, even if its epoch is the same number", () => {
    const acks = new Acknowledgements();
    acks.received(1, 50, false, 0);
    acks.painted(1, 50, 20, 2);
    acks.beginStream();
    assert.equal(acks.isWaiting, false);
    acks.received(1, 3, false, 10);
    const told = { type: "Ack", age_ms: 65535, epoch: 1, received: 3, painted: 0 };
    assert.deepEqual(acks.due(10 + ACK_DELAY_MS), told);
  });

  test("what may wait is told with the next unit that may not, and with its paint", () => {
    const acks = new Acknowledgements();
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
    const acks = new Acknowledgements();
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
    const acks = new Acknowledgements();
    acks.received(7, 1, true, 0);
    acks.received(7, 2, false, 10);
    assert.equal(acks.due(10 + ACK_DELAY_MS).received, 2);
  });

  test("another epoch or stream waits for no paint of the one before", () => {
    const acks = new Acknowledgements();
    acks.received(1, 9, false, 0);
    acks.due(ACK_DELAY_MS);
    acks.received(2, 1, true, 10);
    assert.equal(acks.painted(2, 1, 20, 12), null);
    acks.beginStream();
    acks.received(2, 1, true, 30);
    assert.equal(acks.painted(2, 1, 20, 32), null);
  });
});

describe("the table at the top of acknowledgements.js", () => {
  const NOW_MS = 1000;
  /** Returns acknowledgements to which a unit of epoch 1 came. */
  const after = (relaxed, at_ms) => {
    const acks = new Acknowledgements();
    acks.received(1, 8, relaxed, at_ms);
    return acks;
  };
  const told = (acks) => {
    acks.due(NOW_MS);
    assert.equal(acks.isWaiting, false);
    return acks;
  };
  /** For each row by its number: makes the event happen, in each of its forms. */
  const ROWS = {
    1: [
      { acks: new Acknowledgements(), fire: (acks) => acks.received(1, 9, false, NOW_MS) },
      { acks: after(true, NOW_MS - 1), fire: (acks) => acks.received(1, 9, false, NOW_MS) },
    ],
    2: [{ acks: new Acknowledgements(), fire: (acks) => acks.received(1, 9, true, NOW_MS) }],
    3: [
      { acks: after(false, NOW_MS - 1), fire: (acks) => acks.painted(1, 8, 20, NOW_MS) },
      { acks: told(after(false, 0)), fire: (acks) => acks.painted(1, 7, 20, NOW_MS) },
    ],
    4: [{ acks: told(after(true, 0)), fire: (acks) => acks.painted(1, 8, 20, NOW_MS) }],
    5: [{ acks: after(false, NOW_MS - 1), fire: (acks) => acks.painted(2, 8, 20, NOW_MS) }],
    6: [
      { acks: after(true, NOW_MS - 1), fire: (acks) => acks.beginStream() },
      { acks: told(after(false, 0)), fire: (acks) => acks.beginStream() },
    ],
  };
  /** For each text: whether one is sent now, and when one is due. before: when one was due. */
  const SENT = {
    "at once": () => [true, null],
    "at once, if one was to be sent": (before) => [before !== null, null],
    "after `ACK_DELAY_MS` at the latest": () => [false, NOW_MS + ACK_DELAY_MS],
    "after `ACK_RELAXED_MS` at the latest": () => [false, NOW_MS + ACK_RELAXED_MS],
    "as before": (before) => [false, before],
  };
  const rows = tableOf("video/acknowledgements.js");

  test("has a test for each of its rows", () => {
    assert.deepEqual(rows.map(([event]) => String(parseInt(event, 10))), Object.keys(ROWS));
  });

  for (const [event, sent] of rows) {
    ROWS[parseInt(event, 10)].forEach(({ acks, fire }, variant) => {
      test(`${event}: ${sent} (${variant + 1})`, () => {
        const before = acks.due_ms;
        const isSent = (fire(acks) ?? null) !== null;
        assert.deepEqual([isSent, acks.due_ms], SENT[sent](before));
      });
    });
  }
});
