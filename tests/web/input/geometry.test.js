/** Tests which point of the desk a point of the page is. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { letterbox, toFractions, within } from "../../../services/gateway/fanlight_gateway/web/input/geometry.js";

describe("geometry", () => {
  const box = { x: 10, y: 20, width: 400, height: 400 };

  test("the picture is in the middle, as large as it fits", () => {
    assert.deepEqual(letterbox(box, 1920, 1080), { x: 10, y: 107.5, width: 400, height: 225 });
    assert.deepEqual(letterbox(box, 100, 200), { x: 110, y: 20, width: 200, height: 400 });
    assert.deepEqual(letterbox(box, 0, 0), box);
  });

  test("every pixel of a desk comes back as itself", () => {
    for (const size of [1, 2, 3, 719, 1080, 1366, 1920, 3840, 5120]) {
      const picture = { x: 0, y: 0, width: size, height: 1 };
      for (let pixel = 0; pixel < size; pixel++) {
        const [x] = toFractions(pixel + 0.5, 0, picture, { width: size, height: 1 });
        assert.equal(Math.floor((x * size) / 65536), pixel);
      }
    }
  });

  test("beside the picture is its edge; nonsense is a number all the same", () => {
    const desk = { width: 1920, height: 1080 };
    const picture = letterbox(box, 1920, 1080);
    assert.deepEqual(toFractions(-99, 999, picture, desk).map((part, i) => (part * [1920, 1080][i]) >> 16), [0, 1079]);
    assert.deepEqual(toFractions(0, 0, { x: 0, y: 0, width: 0, height: 0 }, desk), [0, 0]);
  });

  test("within", () => {
    assert.equal(within(10, 20, box), true);
    assert.equal(within(410, 20, box), false);
    assert.equal(within(9, 20, box), false);
    assert.equal(within(10, 19, box), false);
    assert.equal(within(10, 420, box), false);
  });
});
