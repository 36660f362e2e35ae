/** Which units can be decoded. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { Gate, IDR_REPEAT_MS } from "../../../services/gateway/fanlight_gateway/web/video/gate.js";
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
