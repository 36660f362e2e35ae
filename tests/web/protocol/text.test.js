/** Tests how texts are counted and split. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { characters, MAX_TEXT_BYTES, splitText } from "../../../services/gateway/fanlight_gateway/web/protocol/text.js";

test("characters are counted, not UTF-16 units", () => {
  assert.equal(characters(""), 0);
  assert.equal(characters("a😀é"), 3);
  assert.equal(characters("\ud83d"), 1);
  assert.equal(characters("\ude00\ud83d"), 2);
});

test("a long text is cut between characters, and no piece is too long", () => {
  const text = "漢".repeat(3000) + "😀".repeat(1500) + "a";
  const pieces = splitText(text);
  assert.equal(pieces.map((piece) => piece.text).join(""), text);
  for (const piece of pieces) assert.ok(Buffer.byteLength(piece.text) <= MAX_TEXT_BYTES);
  assert.deepEqual(splitText(""), []);
});
