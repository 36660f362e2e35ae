/** Tests the statistics as people read them. */

import assert from "node:assert/strict";
import { describe as group, test } from "node:test";

import { statsRows } from "../../../services/gateway/fanlight_gateway/web/page/statistics.js";

group("statistics", () => {
  const stats = {
    mode: "automatic", state: "video", connection: "open", transport: "websocket", rtt_ms: 1.23, base_rtt_ms: 0.9, age_ms: 33.3,
    painted: 9, fps: 29.97, bitrate_kbps: 2345, decoder: "WebCodecs", codec: "avc1.42C02A",
    rendition: "high", width: 1920,
    height: 1080, epoch: 1, received: 9, video_bytes: 1, screenshot_bytes: 0, backlog: 0, quality: null,
    scale: null, stale: false,
  };
  const rows = (more) => Object.fromEntries(statsRows({ ...stats, ...more }));

  test("are read by people", () => {
    assert.deepEqual(rows({}), {
      "Age of the picture": "33 ms",
      "Round trip": "1.2 ms",
      "Least round trip": "0.9 ms",
      "Pictures a second": "30.0",
      Rate: "2.3 Mbit/s",
      Size: "1920 × 1080",
      Decoder: "WebCodecs",
      Connection: "WebSocket",
      Rendition: "high",
      Codec: "avc1.42C02A",
    });
  });

  test("of screenshots, and of nothing yet", () => {
    const shown = rows({ codec: null, rendition: null, quality: 70, scale: 0.5, bitrate_kbps: 12.4, width: 0, rtt_ms: null, age_ms: 61_000 });
    assert.equal(shown.Quality, "70 of 100");
    assert.equal(shown.Scale, "50 %");
    assert.equal(shown.Rate, "12 kbit/s");
    assert.equal(shown.Size, "–");
    assert.equal(shown["Round trip"], "–");
    assert.equal(shown["Age of the picture"], "61 s");
    assert.equal("Codec" in shown, false);
    assert.equal(rows({ transport: "http" }).Connection, "Plain HTTP");
  });
});
