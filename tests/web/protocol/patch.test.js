/** Tests patches against the golden vectors. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { decodePatch, MAX_OPERATIONS } from "../../../services/gateway/fanlight_gateway/web/protocol/patch.js";
import { ProtocolError } from "../../../services/gateway/fanlight_gateway/web/protocol/constants.js";

const BOOK = JSON.parse(readFileSync(new URL("../../vectors/patch.json", import.meta.url), "utf8"));
const bytes = (hex) => new Uint8Array(Buffer.from(hex, "hex"));

for (const { name, hex, operations } of BOOK.patches) {
  test(`decodes ${name}`, () => {
    const plain = (operation) =>
      "data" in operation
        ? { ...operation, data: Buffer.from(operation.data).toString("hex") }
        : operation;
    assert.deepEqual(decodePatch(bytes(hex)).map(plain), operations);
    // A unit's payload lies in the middle of its message.
    const message = bytes(`ffffff${hex}`);
    assert.deepEqual(decodePatch(message.subarray(3)).map(plain), operations);
  });
}

for (const { name, hex } of BOOK.errors) {
  test(`refuses ${name}`, () => {
    assert.throws(() => decodePatch(bytes(hex)), ProtocolError);
  });
}

test("has an end", () => {
  const copy = "0100000000002003cc010000140001".slice(0, 28);
  assert.equal(decodePatch(bytes(copy.repeat(MAX_OPERATIONS))).length, MAX_OPERATIONS);
  assert.throws(() => decodePatch(bytes(copy.repeat(MAX_OPERATIONS + 1))), ProtocolError);
});

test("any bytes are a patch or a ProtocolError", () => {
  let seed = 1;
  const random = () => (seed = (seed * 48271) % 0x7fffffff);
  for (let round = 0; round < 20_000; round++) {
    const data = Uint8Array.from({ length: random() % 60 }, () => random() & (random() & 1 ? 3 : 255));
    try {
      decodePatch(data);
    } catch (error) {
      assert.ok(error instanceof ProtocolError, String(error));
    }
  }
});
