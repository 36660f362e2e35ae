/** Tests that wheel events become units of 1/120 of a notch. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { WheelSteps } from "../../../services/gateway/fanlight_gateway/web/input/wheel.js";

describe("wheel", () => {
  const turn = (deltaY, deltaMode = 0, more = {}) => new WheelSteps().turn({ deltaX: 0, deltaY, deltaMode, ...more });

  test("pixels, lines and pages", () => {
    assert.deepEqual(turn(100), { dx: 0, dy: 120 });
    assert.deepEqual(turn(-3, 1), { dx: 0, dy: -120 });
    assert.deepEqual(turn(1, 2), { dx: 0, dy: 600 });
    assert.deepEqual(turn(100, 9), { dx: 0, dy: 120 });
  });

  test("whole notches where the browser counts them", () => {
    assert.deepEqual(turn(53, 0, { wheelDeltaY: -120 }), { dx: 0, dy: 120 });
    assert.deepEqual(turn(50, 0, { wheelDeltaY: -150 }), { dx: 0, dy: 60 });
  });

  test("small steps add up, and nothing is lost or too large", () => {
    const wheel = new WheelSteps();
    let sum = 0;
    for (let i = 0; i < 1000; i++) sum += wheel.turn({ deltaX: 0.25, deltaY: 0, deltaMode: 0 })?.dx ?? 0;
    assert.ok(Math.abs(sum - 300) <= 1);
    assert.deepEqual(turn(1e9), { dx: 0, dy: 32767 });
  });
});
