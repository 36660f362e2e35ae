/** Tests the key combinations that the page itself reacts to. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { isLeaveChord, isPasteChord } from "../../../services/gateway/fanlight_gateway/web/input/chords.js";

test("the chords of the page", () => {
  const chord = (code, held = "") => ({
    code,
    ctrlKey: held.includes("c"),
    altKey: held.includes("a"),
    shiftKey: held.includes("s"),
    metaKey: held.includes("m"),
  });
  assert.equal(isLeaveChord(chord("KeyK", "cas")), true);
  assert.equal(isLeaveChord(chord("KeyK", "ca")), false);
  assert.equal(isPasteChord(chord("KeyV", "c")), true);
  assert.equal(isPasteChord(chord("KeyV", "m")), true);
  assert.equal(isPasteChord(chord("Insert", "s")), true);
  for (const other of [chord("KeyV"), chord("KeyV", "ca"), chord("KeyC", "c"), chord("Insert", "cs")]) {
    assert.equal(isPasteChord(other), false);
  }
});
