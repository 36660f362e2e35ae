/** Tests what is kept of what the gateway has told. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { PROTOCOL_VERSION } from "../../../services/gateway/fanlight_gateway/web/protocol/constants.js";
import { DEFAULTS } from "../../../services/gateway/fanlight_gateway/web/protocol/settings.js";
import { GatewayState } from "../../../services/gateway/fanlight_gateway/web/session/gateway-state.js";

const desk = (state, width = 1920, height = 1080) => ({ type: "DeskState", state, width, height });

test("a Welcome brings the role and the settings, and its version", () => {
  const gateway = new GatewayState();
  assert.deepEqual(gateway.settings, DEFAULTS);
  const welcome = { type: "Welcome", desk: "main", role: "view", settings: { rtt_limit_ms: 300 } };
  gateway.apply({ ...welcome, protocol: PROTOCOL_VERSION });
  assert.deepEqual([gateway.role, gateway.isOtherVersion], ["view", false]);
  assert.equal(gateway.settings.rtt_limit_ms, 300);
  gateway.apply({ ...welcome, protocol: PROTOCOL_VERSION + 1 });
  assert.equal(gateway.isOtherVersion, true);
});

test("a desk that is away keeps its size", () => {
  const gateway = new GatewayState();
  gateway.apply(desk("live"));
  gateway.apply(desk("away", 0, 0));
  assert.deepEqual([gateway.deskState, gateway.deskSize], ["away", { width: 1920, height: 1080 }]);
});

test("a rendition changes once, and none is no change", () => {
  const gateway = new GatewayState();
  assert.deepEqual(
    ["", "high", "high", "", "half"].map((rendition) => gateway.changeRendition(rendition)),
    [false, true, false, false, true],
  );
});

test("only the picture of a scaled rendition is enlarged to the desk's size", () => {
  const gateway = new GatewayState();
  const half = { width: 960, height: 540 };
  assert.deepEqual(gateway.canvasSizeFor(half), half);
  gateway.apply(desk("live"));
  gateway.changeRendition("half");
  assert.deepEqual(gateway.canvasSizeFor(half), { width: 1920, height: 1080 });
  // The desk has become smaller, and this picture was made before that.
  gateway.apply(desk("live", 640, 480));
  assert.deepEqual(gateway.canvasSizeFor(half), half);
  gateway.apply(desk("live"));
  gateway.changeRendition("high");
  assert.deepEqual(gateway.canvasSizeFor(half), half);
});
