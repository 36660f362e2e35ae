/** Tests the coarse screenshot that is shown first. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { Clock } from "../../../services/gateway/fanlight_gateway/web/measure/clock.js";
import { PictureStatistics } from "../../../services/gateway/fanlight_gateway/web/measure/picture-statistics.js";
import { FirstPicture } from "../../../services/gateway/fanlight_gateway/web/session/first-picture.js";

const settle = () => new Promise((resolve) => setImmediate(resolve));

function first(rest = {}) {
  const log = [];
  const statistics = new PictureStatistics(new Clock());
  const painter = {
    expect: () => "place",
    abandon: (place) => log.push(`abandon ${place}`),
    paintPicture: (picture, source, size, listener, place) => {
      log.push(`paint ${source.width} as ${size.width} in ${place}`);
      painter.listener = listener;
    },
  };
  const picture = new FirstPicture({
    url: new URL("http://desk/screenshot"),
    isBrought: true,
    painter,
    statistics,
    now: () => 0,
    deskSize: () => ({ width: 1920, height: 1080 }),
    onpainted: (captured_us, at_ms) => log.push(`painted ${captured_us} ${at_ms}`),
    ...rest,
  });
  const bitmap = { width: 960, height: 540, closed: false, close: () => (bitmap.closed = true) };
  const screenshot = { bitmap, bytes: 1000, captured_us: 5, stale: true };
  return { picture, painter, statistics, log, bitmap, screenshot };
}

describe("the first picture", () => {
  test("is painted in its place when the page brings it", async () => {
    const { picture, painter, statistics, log, screenshot } = first();
    void picture.paint();
    await settle();
    assert.deepEqual(log, []);
    picture.bring(screenshot);
    await settle();
    assert.deepEqual(log, ["paint 960 as 1920 in place"]);
    assert.deepEqual([statistics.screenshot_bytes, statistics.stale], [1000, true]);
    painter.listener.onpainted(7);
    assert.equal(log.at(-1), "painted 5 7");
  });

  test("gives its place up if there is none", async () => {
    const { picture, log } = first();
    picture.bring(null);
    await picture.paint();
    assert.deepEqual(log, ["abandon place"]);
  });

  test("has the screenshot's size where the desk's is not known", async () => {
    const { picture, log, screenshot } = first({ deskSize: () => null });
    picture.bring(screenshot);
    await picture.paint();
    assert.deepEqual(log, ["paint 960 as 960 in place"]);
  });

  test("is not wanted once another picture is there, or the session has ended", async () => {
    const { picture, painter, statistics, screenshot } = first();
    picture.bring(screenshot);
    await picture.paint();
    assert.equal(painter.listener.isWanted(), true);
    statistics.painted(null, 0);
    assert.equal(painter.listener.isWanted(), false);
    const other = first();
    other.picture.bring(other.screenshot);
    await other.picture.paint();
    other.picture.stop();
    assert.equal(other.painter.listener.isWanted(), false);
  });
});
