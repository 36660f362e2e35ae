/** Tests messages against the golden vectors; tests/common/protocol/test_vectors.py is Python's part. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { decodeControl, encodeControl } from "../../../services/gateway/fanlight_gateway/web/protocol/control.js";
import { decodeFromGateway, encodeToGateway } from "../../../services/gateway/fanlight_gateway/web/protocol/binary.js";
import { ProtocolError } from "../../../services/gateway/fanlight_gateway/web/protocol/constants.js";

const book = (name) => JSON.parse(readFileSync(new URL(`../../vectors/${name}.json`, import.meta.url), "utf8"));
const PUBLIC = book("binary");
const CONTROL = book("control");

const bytes = (hex) => new Uint8Array(Buffer.from(hex, "hex")).buffer;
const hex = (buffer) => Buffer.from(buffer).toString("hex");

/** Returns a message's fields as the vectors hold them. */
function plain({ type: _, ...fields }) {
  for (const name of ["payload", "png"]) if (name in fields) fields[name] = hex(fields[name]);
  return fields;
}

for (const vector of [...PUBLIC.from_gateway, ...PUBLIC.read_only.from_gateway]) {
  test(`decodes ${vector.name}`, () => {
    const message = decodeFromGateway(bytes(vector.hex));
    assert.equal(message.type, vector.type);
    assert.deepEqual(plain(message), vector.fields);
  });
}

for (const vector of PUBLIC.from_viewer) {
  test(`encodes ${vector.name}`, () => {
    assert.equal(hex(encodeToGateway({ type: vector.type, ...vector.fields })), vector.hex);
  });
}

for (const vector of [...PUBLIC.errors.from_gateway, ...PUBLIC.beyond_javascript]) {
  test(`refuses ${vector.name}`, () => {
    assert.throws(() => decodeFromGateway(bytes(vector.hex)), ProtocolError);
  });
}

for (const vector of [...CONTROL.from_gateway, ...CONTROL.read_only.from_gateway]) {
  test(`reads ${vector.name}`, () => {
    assert.deepEqual(decodeControl(vector.text), { type: vector.type, ...vector.fields });
  });
}

for (const vector of CONTROL.from_viewer) {
  test(`writes ${vector.name}`, () => {
    const text = encodeControl({ type: vector.type, ...vector.fields });
    assert.deepEqual(JSON.parse(text), JSON.parse(vector.text));
  });
}

for (const vector of CONTROL.errors.from_gateway) {
  test(`refuses the text ${vector.name}`, () => {
    assert.throws(() => decodeControl(vector.text), ProtocolError);
  });
}

test("any bytes are a message or a ProtocolError", () => {
  let seed = 1;
  const random = () => (seed = (seed * 48271) % 0x7fffffff);
  for (let round = 0; round < 20_000; round++) {
    const data = Uint8Array.from({ length: random() % 40 }, () => random() & 0xff);
    if (data.length) data[0] %= 6;
    try {
      decodeFromGateway(data.buffer);
    } catch (error) {
      assert.ok(error instanceof ProtocolError, String(error));
    }
  }
});

test("a clipboard of too many characters is refused, counted as Python counts", () => {
  const say = (text) => JSON.stringify({ clipboard: { text } });
  assert.equal(decodeControl(say("😀".repeat(256 * 1024))).type, "Clipboard");
  assert.throws(() => decodeControl(say("a".repeat(256 * 1024 + 1))), ProtocolError);
});
