/** Tests that a message that nobody understands is logged once, and harms nothing else. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { decodeFromGateway } from "../../../services/gateway/fanlight_gateway/web/protocol/binary.js";
import { ProtocolError } from "../../../services/gateway/fanlight_gateway/web/protocol/constants.js";
import { MOST_SAID, Refusals } from "../../../services/gateway/fanlight_gateway/web/protocol/refusals.js";

function listening() {
  /** @type {string[]} */
  const said = [];
  return { said, refusals: new Refusals((text) => said.push(text)) };
}

test("a unit of a later version is said once, with both versions", () => {
  const { said, refusals } = listening();
  for (let i = 0; i < 60; i++) {
    refusals.guard(() => decodeFromGateway(Uint8Array.of(1, 1, 9, 7).buffer));
    refusals.guard(() => decodeFromGateway(Uint8Array.of(0x66).buffer));
  }
  assert.deepEqual(said, [
    "fanlight: VideoUnit of version 9, wants 1",
    "fanlight: unknown message type 0x66",
  ]);
});

test("another error is not caught", () => {
  const { said, refusals } = listening();
  assert.throws(
    () =>
      refusals.guard(() => {
        throw new TypeError("ours");
      }),
    TypeError,
  );
  assert.deepEqual(said, []);
});

test("the console and the memory have an end", () => {
  const { said, refusals } = listening();
  for (let i = 0; i < 3 * MOST_SAID; i++) {
    refusals.guard(() => {
      throw new ProtocolError(`number ${i}`);
    });
  }
  assert.equal(said.length, MOST_SAID);
});
