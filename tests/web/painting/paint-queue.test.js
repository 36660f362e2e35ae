/** Tests the order in which pictures and patches are painted. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { PaintQueue, PATCH_WAIT_MS } from "../../../services/gateway/fanlight_gateway/web/painting/paint-queue.js";
import { tableOf } from "../tables.js";

function queue() {
  const dropped = [];
  return { line: new PaintQueue((content) => dropped.push(content)), dropped };
}

describe("paint queue", () => {
  test("is that of entering, whatever is ready first", () => {
    const { line } = queue();
    const [picture, patch, second] = [line.enter(true, 0), line.enter(false, 0), line.enter(false, 0)];
    line.fill(second, "c");
    line.fill(patch, "b");
    assert.deepEqual(line.take(1), []);
    line.fill(picture, "a");
    assert.deepEqual(line.take(1), ["a", "b", "c"]);
    assert.equal(line.length, 0);
  });

  test("a full picture replaces all before it, and none behind it", () => {
    const { line, dropped } = queue();
    const places = [true, false, true, true, false].map((full) => line.enter(full, 0));
    line.fill(places[1], "b");
    line.fill(places[4], "e");
    line.fill(places[3], "d");
    assert.deepEqual(dropped, ["b"]);
    line.fill(places[0], "a");
    line.fill(places[2], "c");
    assert.deepEqual(dropped, ["b", "a", "c"]);
    assert.deepEqual(line.take(0), ["d", "e"]);
  });

  test("a patch does not wait for ever for a picture, which then comes too late", () => {
    const { line, dropped } = queue();
    const picture = line.enter(true, 0);
    const patch = line.enter(false, 10);
    assert.equal(line.due_ms, null);
    line.fill(patch, "patch");
    assert.equal(line.due_ms, 10 + PATCH_WAIT_MS);
    assert.deepEqual(line.take(9 + PATCH_WAIT_MS), []);
    const next = line.enter(true, 20);
    assert.deepEqual(line.take(10 + PATCH_WAIT_MS), ["patch"]);
    line.fill(picture, "late");
    assert.deepEqual(dropped, ["late"]);
    line.fill(next, "next");
    assert.deepEqual(line.take(200), ["next"]);
  });

  test("a patch waits for the patch before it, however long that takes", () => {
    const { line } = queue();
    const [first, second] = [line.enter(false, 0), line.enter(false, 0)];
    line.fill(second, "b");
    assert.equal(line.due_ms, null);
    assert.deepEqual(line.take(1e6), []);
    line.fill(first, "a");
    assert.deepEqual(line.take(1e6), ["a", "b"]);
  });

  test("a place that is given back holds nobody up", () => {
    const { line, dropped } = queue();
    const [first, second] = [line.enter(true, 0), line.enter(false, 0)];
    line.fill(second, "b");
    line.leave(first);
    line.leave(first);
    assert.deepEqual(line.take(0), ["b"]);
    const third = line.enter(false, 0);
    line.fill(third, "c");
    line.clear();
    assert.deepEqual(dropped, ["c"]);
    line.leave(third);
    assert.deepEqual(dropped, ["c"]);
  });
});

describe("the table at the top of paint-queue.js", () => {
  /** Returns a queue with a patch that is ready, behind a picture that the decoder still holds. */
  function patchBehindPicture() {
    const it = queue();
    const [picture, patch] = [it.line.enter(true, 0), it.line.enter(false, 0)];
    it.line.fill(patch, "patch");
    return { ...it, picture, patch };
  }

  const ROWS = {
    "1 `enter`": () => {
      const { line } = queue();
      const [first, last] = [line.enter(false, 0), line.enter(false, 0)];
      line.fill(last, "last");
      line.fill(first, "first");
      assert.deepEqual(line.take(0), ["first", "last"]);
    },
    "2 `fill`, full": () => {
      const { line, dropped, patch } = patchBehindPicture();
      line.fill(line.enter(true, 0), "full");
      assert.deepEqual([dropped, line.take(0), patch.isGone], [["patch"], ["full"], true]);
    },
    "3 `fill`, a patch": () => {
      const { line } = patchBehindPicture();
      assert.deepEqual([line.take(0), line.length], [[], 2]);
    },
    "4 `take`": () => {
      const { line, picture } = patchBehindPicture();
      const next = line.enter(true, 0);
      line.fill(picture, "picture");
      assert.deepEqual([line.take(0), line.length, next.isGone], [["picture", "patch"], 1, false]);
    },
    "5 `take`, when the patch has waited PATCH_WAIT_MS": () => {
      const { line, dropped, picture } = patchBehindPicture();
      assert.deepEqual([line.take(PATCH_WAIT_MS - 1), line.isMissed(picture)], [[], false]);
      assert.deepEqual([line.take(PATCH_WAIT_MS), line.isMissed(picture)], [["patch"], true]);
      line.fill(picture, "late");
      assert.deepEqual([dropped, line.isMissed(picture)], [["late"], true]);
    },
    "6 a full picture is taken": () => {
      const { line, picture } = patchBehindPicture();
      const next = line.enter(true, 0);
      line.take(PATCH_WAIT_MS);
      line.fill(next, "next");
      assert.equal(line.isMissed(picture), true);
      assert.deepEqual([line.take(PATCH_WAIT_MS), line.isMissed(picture)], [["next"], false]);
    },
    "7 `leave`": () => {
      const { line, picture, dropped } = patchBehindPicture();
      line.leave(picture);
      assert.deepEqual(line.take(0), ["patch"]);
      const missed = patchBehindPicture();
      missed.line.take(PATCH_WAIT_MS);
      missed.line.leave(missed.picture);
      assert.deepEqual([missed.line.isMissed(missed.picture), dropped], [false, []]);
    },
  };
  const rows = tableOf("painting/paint-queue.js");

  test("has a test for each of its rows", () => {
    assert.deepEqual(rows.map(([event]) => event), Object.keys(ROWS));
  });

  for (const [event, effect] of rows) test(`${event}: ${effect}`, ROWS[event]);
});
