/** Tests how the codec string is found. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { codecString } from "../../../services/gateway/fanlight_gateway/web/video/h264.js";
import { SPS, unit } from "./unit.js";

describe("codec string", () => {
  test("comes from the SPS, wherever it stands", () => {
    assert.equal(codecString(Uint8Array.from(SPS)), "avc1.42C02A");
    assert.equal(codecString(Uint8Array.from([0, 0, 0, 1, 9, 0x10, ...SPS])), "avc1.42C02A");
    assert.equal(codecString(Uint8Array.from([0, 0, 1, 0x27, 0x64, 0, 0x0a])), "avc1.64000A");
  });

  test("is null where there is none, or not all of it", () => {
    assert.equal(codecString(new Uint8Array()), null);
    assert.equal(codecString(Uint8Array.from([0, 0, 1, 0x67, 0x42])), null);
    assert.equal(codecString(unit(1).payload), null);
  });
});
