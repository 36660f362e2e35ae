/** Tests how decoded pictures become steps: drawn or copied, one copy at a time. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { FrameSteps } from "../../../services/gateway/fanlight_gateway/web/painting/frame-steps.js";
import { TRIALS } from "../../../services/gateway/fanlight_gateway/web/painting/paint-method.js";

const SIZE = { width: 64, height: 48 };
const AREA = { x: 0, y: 0, width: 8, height: 8 };
const settle = () => new Promise((resolve) => setImmediate(resolve));

function setUp() {
  const log = [];
  const copies = [];
  const clock = { now_ms: 0 };
  const steps = new FrameSteps(() => clock.now_ms);
  const make = (name, format = "I420") => {
    const copyTo = () => new Promise((resolve, reject) => copies.push({ resolve, reject }));
    const frame = { format, copyTo, close: () => log.push(`${name} closed`) };
    steps.make(frame, { ...SIZE, payload: "of a unit" }, {
      areas: () => [AREA],
      onready: (step, timing) => {
        assert.deepEqual(step.source, SIZE, "the page does not need the rest of a unit");
        log.push(`${name} ${step.type}, ${timing?.method ?? "not timed"}`);
        if (timing) steps.painted(timing, clock.now_ms + (timing.method === "draw" ? 10 : 1));
        if (step.type === "pixels") log.push(step.areas === null ? "everywhere" : "areas");
      },
      onturn: () => log.push(`${name} has its turn`),
      onreplaced: () => log.push(`${name} replaced`),
    });
  };
  const take = () => log.splice(0);
  /** Draws so many pictures that the next one is copied. */
  const tryDrawing = () => {
    for (let n = 0; n < TRIALS; n++) make("drawn");
    take();
  };
  return { steps, clock, copies, make, take, tryDrawing };
}

describe("steps of decoded pictures", () => {
  test("a picture is drawn at once, and copied when drawing has been tried", async () => {
    const { make, take, copies } = setUp();
    for (let n = 0; n < TRIALS; n++) {
      make("a");
      assert.deepEqual(take(), ["a picture, draw"]);
    }
    make("b", null);
    assert.deepEqual(take(), ["b picture, draw"], "only the GPU reaches it");
    make("c");
    assert.deepEqual(take(), []);
    copies[0].resolve();
    await settle();
    assert.deepEqual(take(), ["c closed", "c pixels, copy", "everywhere"]);
  });

  test("a copy has areas when both methods have been tried", async () => {
    const { make, take, tryDrawing, copies } = setUp();
    tryDrawing();
    for (let n = 0; n < TRIALS; n++) {
      make("tried");
      copies.pop().resolve();
      await settle();
      assert.equal(take().at(-1), "everywhere");
    }
    make("a");
    copies.pop().resolve();
    await settle();
    assert.equal(take().at(-1), "areas");
  });

  test("while one is copied, the newest waits, and has its turn afterwards", async () => {
    const { make, take, tryDrawing, copies } = setUp();
    tryDrawing();
    for (const name of ["a", "b", "c"]) make(name);
    assert.deepEqual(take(), ["b closed", "b replaced"]);
    copies[0].resolve();
    await settle();
    assert.deepEqual(take(), ["a closed", "a pixels, copy", "everywhere", "c has its turn"]);
    assert.equal(copies.length, 1);
  });

  test("what waits can be dropped", async () => {
    const { steps, make, take, tryDrawing, copies } = setUp();
    tryDrawing();
    make("a");
    make("b");
    steps.dropNext();
    assert.deepEqual(take(), ["b closed", "b replaced"]);
    steps.dropNext();
    copies[0].resolve();
    await settle();
    assert.deepEqual(take(), ["a closed", "a pixels, copy", "everywhere"]);
  });

  test("a picture that cannot be copied is drawn, and so are all after it", async () => {
    const { make, take, tryDrawing, copies } = setUp();
    tryDrawing();
    make("a");
    copies[0].reject(new Error("RGBX?"));
    await settle();
    make("b");
    assert.deepEqual(take(), ["a picture, not timed", "b picture, draw"]);
  });

  test("the time of a picture begins when its work begins", async () => {
    const { clock, make, take, tryDrawing, copies } = setUp();
    tryDrawing();
    // Each copy takes 20 ms before it is ready, so drawing (10 ms) is found to be faster.
    for (let n = 0; n < TRIALS; n++) {
      make("a");
      clock.now_ms += 20;
      copies.pop().resolve();
      await settle();
    }
    take();
    make("b");
    assert.deepEqual(take(), ["b picture, draw"]);
  });
});
