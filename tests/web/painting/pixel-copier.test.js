/** Tests how the pixels of decoded pictures are copied. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { isCopyable, PixelCopier } from "../../../services/gateway/fanlight_gateway/web/painting/pixel-copier.js";

const SIZE = { width: 64, height: 48 };

function frame() {
  const copies = [];
  return { copies, copyTo: async (_, options) => void copies.push(options) };
}

test("copies the areas into the layout of the whole picture", async () => {
  const copied = frame();
  const pixels = await new PixelCopier().copy(copied, SIZE, [{ x: 11, y: 5, width: 4, height: 3 }]);
  assert.equal(pixels.byteLength, 64 * 49 * 4);
  assert.deepEqual(copied.copies, [
    {
      format: "RGBX",
      rect: { x: 10, y: 4, width: 6, height: 4 },
      layout: [{ offset: 4 * (4 * 64 + 10), stride: 256 }],
    },
  ]);
  const whole = frame();
  await new PixelCopier().copy(whole, SIZE, null);
  assert.deepEqual(whole.copies[0].rect, { x: 0, y: 0, ...SIZE });
});

test("uses the buffers that come back, if they have the size, and keeps two", async () => {
  const copier = new PixelCopier();
  const buffers = await Promise.all([1, 2, 3].map(() => copier.copy(frame(), SIZE, null)));
  copier.giveBack(buffers);
  const half = await copier.copy(frame(), { width: 32, height: 24 }, null);
  assert.equal(buffers.includes(half), false);
  const again = await Promise.all([1, 2, 3].map(() => copier.copy(frame(), SIZE, null)));
  assert.equal(again.filter((buffer) => buffers.includes(buffer)).length, 2);
});

test("a frame that only the GPU reaches, or of odd sides, is not copied", () => {
  assert.equal(isCopyable({ format: "I420" }, SIZE), true);
  assert.equal(isCopyable({ format: null }, SIZE), false);
  assert.equal(isCopyable({ format: "I420" }, { width: 63, height: 48 }), false);
  assert.equal(isCopyable({ format: "I420" }, { width: 64, height: 47 }), false);
});
