// @ts-check
/**
 * Turns the statistics into rows of names and values, for people. Lives in the page. Pure.
 *
 * @import { Stats } from "../session/reports.js"
 */

/**
 * Returns the rows.
 *
 * @param {Readonly<Stats>} stats
 * @returns {[string, string][]}
 */
export function statsRows(stats) {
  /** @type {[string, string][]} */
  const rows = [
    ["Age of the picture", milliseconds(stats.age_ms)],
    ["Round trip", milliseconds(stats.rtt_ms)],
    ["Least round trip", milliseconds(stats.base_rtt_ms)],
    ["Pictures a second", stats.fps.toFixed(1)],
    ["Rate", rate(stats.bitrate_kbps)],
    ["Size", stats.width ? `${stats.width} × ${stats.height}` : "–"],
    ["Decoder", stats.decoder],
    ["Connection", stats.transport === "http" ? "Plain HTTP" : "WebSocket"],
  ];
  if (stats.rendition !== null) rows.push(["Rendition", stats.rendition]);
  if (stats.codec !== null) rows.push(["Codec", stats.codec]);
  if (stats.quality !== null) rows.push(["Quality", `${stats.quality} of 100`]);
  if (stats.scale !== null) rows.push(["Scale", `${Math.round(stats.scale * 100)} %`]);
  return rows;
}

/** @param {number | null} value */
function milliseconds(value) {
  if (value === null) return "–";
  if (value >= 10_000) return `${(value / 1000).toFixed(0)} s`;
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ms`;
}

/** @param {number} kbps */
function rate(kbps) {
  return kbps >= 1000 ? `${(kbps / 1000).toFixed(1)} Mbit/s` : `${kbps.toFixed(0)} kbit/s`;
}
