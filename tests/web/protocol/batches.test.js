/** Tests batches against the golden vectors. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";

import { decodeBatch, encodeBatch } from "../../../services/gateway/fanlight_gateway/web/protocol/batches.js";
import { ProtocolError } from "../../../services/gateway/fanlight_gateway/web/protocol/constants.js";

const VECTORS = JSON.parse(readFileSync(new URL("../../vectors/batches.json", import.meta.url), "utf8"));

const bytes = (hex) => Uint8Array.from(Buffer.from(hex, "hex")).buffer;
const hex = (buffer) => Buffer.from(buffer).toString("hex");

describe("batches", () => {
  for (const { name, messages, body } of VECTORS.batches) {
    test(name, () => {
      const raw = messages.map((m) => m.text ?? bytes(m.binary));
      assert.equal(hex(encodeBatch(raw)), body);
      assert.deepEqual(decodeBatch(bytes(body)), raw);
    });
  }
  for (const { name, body } of VECTORS.refused) {
    test(`refuses ${name}`, () => assert.throws(() => decodeBatch(bytes(body)), ProtocolError));
  }
});
