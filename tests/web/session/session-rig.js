/** A viewer's session in a fake browser, for tests. */

import assert from "node:assert/strict";

import { Session } from "../../../services/gateway/fanlight_gateway/web/session/session.js";
import { fakeBrowser, pong } from "./browser.js";

const START = {
  type: "start",
  base: "https://desk.example/fanlight/",
  desk: "main",
  viewer: "viewer-0",
  mode: "automatic",
  visible: true,
  bringsScreenshot: true,
};
export const VIDEO_ON = '{"set_video_enabled":true}';
export const VIDEO_OFF = '{"set_video_enabled":false}';
export const SILENCE_MS = 3300;

/** Makes a session, and keeps all that it reports to the page. */
export function make(context, start = {}, options = {}) {
  const browser = fakeBrowser(context, options);
  const reports = [];
  const report = (what, transfer) => reports.push({ ...what, transfer });
  const session = new Session({ ...START, ...start }, report, browser.now);
  context.after(() => {
    session.stop();
    browser.restore();
  });
  /** Removes and returns the reports of a type. */
  const take = (type) => {
    const taken = reports.filter((each) => each.type === type);
    for (const each of taken) reports.splice(reports.indexOf(each), 1);
    return taken;
  };
  const status = () => reports.findLast(({ type }) => type === "status").status;
  const stats = () => reports.findLast(({ type }) => type === "stats").stats;
  const drawn = () => session.drawn({ at_ms: performance.timeOrigin + browser.now_ms, buffers: [] });
  return { browser, session, reports, take, status, stats, drawn };
}

/** Makes a session whose WebSocket is open, and forgets what the session has sent so far. */
export async function opened(context, start, options) {
  const it = make(context, start, options);
  await it.session.start();
  it.browser.socket.open();
  it.browser.socket.take();
  return it;
}

/**
 * Lets time pass on a network that answers each ping after `rtt_ms` (and up to 10 ms more).
 *
 * @returns all that the viewer sent, without the pings
 */
export async function live({ browser }, duration_ms, rtt_ms) {
  const sent = [];
  const due = [];
  await browser.pass(duration_ms, () => {
    const { socket, now_ms } = browser;
    for (const message of socket.take()) {
      const id = /^ping (\d+)$/.exec(message)?.[1];
      if (id === undefined) sent.push(message);
      else due.push({ id: Number(id), at_ms: now_ms + rtt_ms });
    }
    while (due.length && due[0].at_ms <= now_ms) socket.say(pong(due.shift().id, now_ms * 1000));
  });
  return sent;
}

/** Makes a session that a long RTT has locked to screenshots. */
export async function locked(context) {
  const it = await opened(context);
  await live(it, 2000, 20);
  const sent = await live(it, 4000, 300);
  assert.equal(it.status().fallback, "locked");
  return { ...it, sent };
}
