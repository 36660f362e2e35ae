/** Tests what goes to the page. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { LOST_INTERVAL_MS } from "../../../services/gateway/fanlight_gateway/web/painting/loss.js";
import { PATCH_WAIT_MS } from "../../../services/gateway/fanlight_gateway/web/painting/paint-queue.js";
import { Painter } from "../../../services/gateway/fanlight_gateway/web/painting/painter.js";

const SIZE = { width: 64, height: 48 };
const AREAS = [
  { x: 0, y: 0, width: 8, height: 8 },
  { x: 11, y: 5, width: 4, height: 3 },
  { x: 60, y: 40, width: 4, height: 8 },
];
const settle = () => new Promise((resolve) => setImmediate(resolve));

function frame(name, format = null) {
  return {
    name,
    format,
    closed: 0,
    close() {
      this.closed++;
    },
    copies: [],
    copyTo: () => new Promise((resolve, reject) => (frame.copied = { resolve, reject })),
  };
}

function setUp() {
  const sent = [];
  const log = [];
  const images = [];
  const host = {
    now_ms: 0,
    now: () => host.now_ms,
    send: (drawings, transfer) => sent.push({ drawings, transfer }),
    decodeImage: (data) => {
      if (data[0] === 0) return Promise.reject(new Error("not an image"));
      const image = frame(`image ${data[0]}`);
      images.push(image);
      return Promise.resolve(image);
    },
    onlost: () => log.push("lost"),
  };
  const painter = new Painter(host);
  const watch = (name, isWanted) => ({ isWanted, onpainted: (at_ms) => log.push(`${name} ${at_ms}`) });
  const drawn = (ms = host.now_ms) =>
    painter.drawn({ at_ms: performance.timeOrigin + ms, buffers: [] });
  const show = (name, place = painter.expect(), isWanted) => {
    const shown = frame(name);
    painter.paintFrame(place, shown, SIZE, SIZE, watch(name, isWanted));
    return shown;
  };
  const patch = (name, data = [1], rest = {}) =>
    painter.paintPatch(
      data.map((byte) => ({ type: "Image", x: 0, y: 0, width: 2, height: 2, format: 1, data: [byte], ...rest })),
      SIZE,
      watch(name),
    );
  const steps = () =>
    sent.splice(0).map(({ drawings }) =>
      drawings.flatMap((drawing) =>
        drawing.steps.map((step) => (step.picture ?? step.image)?.name ?? step.type),
      ),
    );
  return { painter, host, log, sent, images, show, patch, drawn, steps };
}

describe("painter", () => {
  test("sends one message at a time: pictures replace, patches gather", async () => {
    const { show, patch, drawn, steps, log, host, painter } = setUp();
    show("a");
    const replaced = show("b");
    show("c");
    await Promise.all([patch("p"), patch("q", [2])]);
    assert.deepEqual(steps(), [["a"]]);
    assert.equal(replaced.closed, 1);
    host.now_ms = 5;
    drawn(3);
    assert.deepEqual(log, ["a 3"]);
    assert.deepEqual(steps(), [["c", "image 1", "image 2"]]);
    drawn(4); // The page's clock is behind: nothing is drawn before it was sent.
    assert.deepEqual(log, ["a 3", "c 5", "p 5", "q 5"]);
    assert.equal(painter.painted, 4);
    assert.deepEqual([painter.width, painter.height], [64, 48]);
    drawn();
    assert.equal(painter.painted, 4);
  });

  test("transfers what it sends", async () => {
    const { show, patch, sent } = setUp();
    const shown = show("a");
    assert.deepEqual(sent[0].transfer, [shown]);
    const other = setUp();
    await other.patch("p", [1, 2]);
    assert.deepEqual(other.sent[0].transfer, other.images);
    void patch;
  });

  test("a patch is painted as a whole or not at all", async () => {
    const { patch, images, steps } = setUp();
    await assert.rejects(patch("p", [1, 0, 2]), /not an image/);
    assert.deepEqual(images.map((image) => image.closed), [1, 1]);
    assert.deepEqual(steps(), []);
    await patch("q", [3]);
    assert.deepEqual(steps(), [["image 3"]]);
  });

  test("a patch waits for a picture in the decoder, for a while", async (context) => {
    context.mock.timers.enable({ apis: ["setTimeout"] });
    const { painter, host, patch, steps, show } = setUp();
    const place = painter.expect();
    await patch("p");
    assert.deepEqual(steps(), []);
    host.now_ms = PATCH_WAIT_MS;
    context.mock.timers.tick(PATCH_WAIT_MS);
    assert.deepEqual(steps(), [["image 1"]]);
    assert.equal(show("late", place).closed, 1);
  });

  test("a picture that comes after its patches is lost, which is told now and then", async (context) => {
    context.mock.timers.enable({ apis: ["setTimeout"] });
    const { painter, host, patch, log, drawn, show } = setUp();
    const pass = (ms) => {
      host.now_ms += ms;
      context.mock.timers.tick(ms);
    };
    const miss = async () => {
      const place = painter.expect();
      await patch("p");
      pass(PATCH_WAIT_MS);
      drawn();
      log.length = 0;
      assert.equal(show("late", place).closed, 1);
    };
    await miss();
    assert.deepEqual(log, ["lost"]);
    await miss();
    assert.deepEqual(log, []);
    pass(LOST_INTERVAL_MS);
    assert.deepEqual(log, ["lost"]);
    await miss();
    show("newer");
    drawn();
    log.length = 0;
    pass(LOST_INTERVAL_MS);
    assert.deepEqual(log, []);
    const place = painter.expect();
    await patch("p");
    pass(PATCH_WAIT_MS);
    drawn();
    show("newer");
    drawn();
    log.length = 0;
    assert.equal(show("late", place).closed, 1);
    assert.deepEqual(log, []);
  });

  test("a page that cannot draw is sent more, and what it missed has to come anew", (context) => {
    context.mock.timers.enable({ apis: ["setTimeout"] });
    const { painter, host, show, log, steps } = setUp();
    const fail = () => painter.drawn({ at_ms: null, buffers: [] });
    show("a");
    show("b");
    fail();
    assert.deepEqual(log, ["lost"]);
    assert.deepEqual(steps(), [["a"], ["b"]]);
    assert.equal(painter.painted, 0);
    fail();
    assert.deepEqual(log, ["lost"]);
    host.now_ms = LOST_INTERVAL_MS;
    context.mock.timers.tick(LOST_INTERVAL_MS);
    assert.deepEqual(log, ["lost", "lost"]);
  });

  test("what is not wanted any more is not sent, and closed", () => {
    const { show, steps } = setUp();
    assert.equal(show("a", undefined, () => false).closed, 1);
    assert.deepEqual(steps(), []);
  });

  test("pictures for a page that does not answer end somewhere", async () => {
    const { patch, log, steps, show, drawn, images } = setUp();
    show("a");
    for (let n = 0; n < 20; n++) await patch("p", [1], { width: 4096, height: 2048 });
    assert.ok(log.includes("lost"));
    assert.ok(images.filter((image) => image.closed).length >= 8);
    steps();
    show("b");
    drawn();
    assert.deepEqual(steps(), [["b"]]);
  });

  test("copies what it has found slow to draw, and keeps the newest meanwhile", async () => {
    const { painter, host, drawn, sent, steps } = setUp();
    const give = (name) => {
      const shown = frame(name, "I420");
      painter.paintFrame(painter.expect(), shown, SIZE, SIZE, { onpainted: () => {} });
      return shown;
    };
    for (let n = 0; n < 6; n++) {
      give("drawn");
      host.now_ms += 10;
      drawn();
    }
    steps();
    const copied = give("copied");
    const { resolve } = frame.copied;
    const overtaken = give("overtaken");
    const next = give("next");
    assert.equal(overtaken.closed, 1);
    assert.deepEqual(steps(), []);
    resolve();
    await settle();
    assert.equal(copied.closed, 1);
    assert.equal(sent[0].drawings[0].steps[0].pixels.byteLength, 64 * 49 * 4);
    assert.deepEqual(steps(), [["pixels"]]);
    frame.copied.reject(new Error("RGBX?"));
    await settle();
    drawn();
    assert.deepEqual(steps(), [["next"]]);
    assert.equal(next.closed, 0);
  });

  /** Returns a picture that is copied at once. */
  function ready(name) {
    const shown = frame(name, "I420");
    shown.copyTo = (_, options) => Promise.resolve(shown.copies.push(options));
    return shown;
  }

  /** Returns a painter that knows which method is faster, with a picture on the canvas. */
  async function decided({ draws = false } = {}) {
    const it = setUp();
    const { painter, host, drawn, sent } = it;
    const areas = () =>
      sent.splice(0).map(({ drawings }) => drawings.flatMap(({ steps: [step] }) => [step.areas]));
    const next = async (within, place = painter.expect(within)) => {
      const shown = ready("next");
      painter.paintFrame(place, shown, SIZE, SIZE, { onpainted: () => {} });
      await settle();
      return shown;
    };
    for (let n = 0; n < 12; n++) {
      const shown = await next([AREAS[0]]);
      // Until the painter knows which method is faster, it paints whole pictures.
      assert.ok(shown.copies.every(({ rect }) => rect.width === SIZE.width));
      host.now_ms += n < 6 === draws ? 1 : 10;
      drawn();
    }
    sent.length = 0;
    return { ...it, areas, next };
  }

  test("paints a picture where it differs, and what is owed from before", async () => {
    const { drawn, next, areas } = await decided();
    await next([AREAS[0]]);
    // One picture is at the page. Of these two, only the second is painted.
    await next([AREAS[1]]);
    await next([AREAS[2]]);
    drawn();
    drawn();
    await next([AREAS[0]]);
    drawn();
    await next([]);
    drawn();
    assert.deepEqual(areas(), [[[AREAS[0]]], [[AREAS[2], AREAS[1]]], [[AREAS[0]]], [null]]);
  });

  test("what moves in one place is copied once, however often it was passed over", async () => {
    const { drawn, next, areas } = await decided();
    const inner = { x: 2, y: 2, width: 4, height: 4 };
    await next([AREAS[0]]);
    for (let n = 0; n < 10; n++) await next(n % 2 ? [AREAS[0]] : [inner]);
    drawn();
    drawn();
    for (const area of [AREAS[1], AREAS[2], inner]) await next([area]);
    drawn();
    drawn();
    assert.deepEqual(areas(), [[[AREAS[0]]], [[AREAS[0]]], [[AREAS[1]]], [[inner, AREAS[2]]]]);
  });

  test("many places are painted as one around them, and nearly all as all", async () => {
    const { drawn, next, areas } = await decided();
    const column = (x) => ({ x, y: 10, width: 2, height: 20 });
    await next([2, 10, 18, 26].map(column));
    drawn();
    await next([{ x: 0, y: 0, width: 64, height: 40 }]);
    drawn();
    assert.deepEqual(areas(), [[[{ x: 2, y: 10, width: 26, height: 20 }]], [null]]);
  });

  test("a picture is painted everywhere if one before it was to be", async () => {
    const { painter, drawn, next, areas } = await decided();
    painter.abandon(painter.expect());
    await next([AREAS[0]]);
    drawn();
    painter.abandon(painter.expect([AREAS[1]]));
    await next([AREAS[0]]);
    drawn();
    assert.deepEqual(areas(), [[null], [[AREAS[0], AREAS[1]]]]);
  });

  test("a picture covers the patches that it replaces, and those it follows are done", async () => {
    const { drawn, next, areas, patch, sent } = await decided();
    await next([AREAS[0]]);
    await patch("replaced", [1], AREAS[1]);
    await next([AREAS[0]]);
    drawn();
    assert.deepEqual(areas(), [[[AREAS[0]]], [[AREAS[0], AREAS[1]]]]);
    drawn();
    await patch("painted", [1], AREAS[2]);
    drawn();
    sent.length = 0;
    await next([AREAS[0]]);
    assert.deepEqual(areas(), [[[AREAS[0]]]]);
  });

  test("what a patch was painted without is owed to the next picture, and the patch", async (context) => {
    context.mock.timers.enable({ apis: ["setTimeout"] });
    const { painter, drawn, next, areas, patch, host, sent } = await decided();
    painter.expect([AREAS[1]]);
    await patch("p", [1], AREAS[2]);
    host.now_ms += PATCH_WAIT_MS;
    context.mock.timers.tick(PATCH_WAIT_MS);
    assert.equal(sent.splice(0).length, 1);
    drawn();
    await next([AREAS[0]]);
    assert.deepEqual(areas(), [[[AREAS[0], AREAS[2], AREAS[1]]]]);
  });

  test("when nobody knows what is on the canvas, all of it is painted", async () => {
    const { painter, drawn, next, areas } = await decided();
    await next([AREAS[0]]);
    await next([AREAS[1]]);
    painter.drawn({ at_ms: null, buffers: [] });
    drawn();
    await next([AREAS[1]]);
    drawn();
    painter.clear();
    await next([AREAS[0]]);
    drawn();
    await next([AREAS[0]]);
    drawn();
    assert.deepEqual(areas(), [
      [[AREAS[0]]],
      // This copy was begun before the first one had failed.
      [[AREAS[1]]],
      [null],
      [null],
      [[AREAS[0]]],
    ]);
  });

  test("a scaled picture is painted everywhere, and so is one that is drawn", async () => {
    const { painter, drawn, areas } = await decided();
    const half = { width: 32, height: 24 };
    painter.paintFrame(painter.expect([AREAS[0]]), ready("half"), half, SIZE, { onpainted: () => {} });
    await settle();
    drawn();
    assert.deepEqual(areas(), [[null]]);
    const other = await decided({ draws: true });
    await other.next([AREAS[0]]);
    assert.deepEqual(other.steps(), [["next"]]);
  });

  test("copies only what is painted, with whole chroma samples", async () => {
    const { next, areas } = await decided();
    const shown = await next([AREAS[1]]);
    assert.deepEqual(shown.copies, [
      {
        format: "RGBX",
        rect: { x: 10, y: 4, width: 6, height: 4 },
        layout: [{ offset: 4 * (4 * 64 + 10), stride: 256 }],
      },
    ]);
    assert.deepEqual(areas(), [[[AREAS[1]]]]);
  });

  test("forgets all when it is told to", () => {
    const { painter, show, steps, drawn } = setUp();
    const place = painter.expect();
    show("a");
    const waiting = show("b");
    painter.clear();
    assert.equal(waiting.closed, 1);
    drawn();
    assert.equal(show("c", place).closed, 1);
    assert.deepEqual(steps(), [["a"]]);
  });
});
