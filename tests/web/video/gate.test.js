/** Tests which units the gate lets through. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { Gate, IDR_REPEAT_MS } from "../../../services/gateway/fanlight_gateway/web/video/gate.js";
import { tableOf } from "../tables.js";
import { unit } from "./unit.js";

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

describe("the table at the top of gate.js", () => {
  /** The units, or the call, by which each event of the table comes, after unit 2 of epoch 1. */
  const EVENTS = {
    "1 an IDR": { units: [unit(9, { idr: true }), unit(3, { idr: true }), unit(2, { idr: true, epoch: 2 })] },
    "2 a unit that follows the one before it": { units: [unit(3)] },
    "3 any other unit: a gap, a repetition, a new epoch": { units: [unit(4), unit(2), unit(3, { epoch: 2 })] },
    "4 any unit but an IDR": { units: [unit(3), unit(4), unit(2), unit(3, { epoch: 2 })] },
    "5 `close`: the decoder lost units": { act: (gate) => gate.close() },
    "6 `reset`: another stream begins": { act: (gate) => gate.reset() },
  };
  const START = {
    open: (gate) => [unit(1, { idr: true }), unit(2)].forEach((each) => gate.admit(each)),
    closed: (gate) => [unit(1), unit(2)].forEach((each) => gate.admit(each)),
  };

  test("has every event, each with what the gate does", () => {
    const rows = tableOf("video/gate.js");
    assert.deepEqual(rows.map(([, event]) => event), Object.keys(EVENTS));
    for (const [state, event, next, isLetThrough] of rows) {
      const { units = [null], act } = EVENTS[event];
      for (const from of state === "any" ? ["open", "closed"] : [state]) {
        for (const each of units) {
          const gate = new Gate();
          START[from](gate);
          if (each) assert.equal(gate.admit(each) ? "yes" : "no", isLetThrough, `${from}: ${event}`);
          else act(gate);
          // A closed gate asks for an IDR in the end; an open gate never does.
          const isClosed = gate.shouldAsk(10 * IDR_REPEAT_MS);
          assert.equal(isClosed ? "closed" : "open", next, `${from}: ${event}`);
        }
      }
    }
  });
});
