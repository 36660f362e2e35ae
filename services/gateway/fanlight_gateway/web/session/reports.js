// @ts-check
/**
 * Tells the page about a session: its status, its statistics (twice a second) and the desk's size.
 * Lives in the worker; owns the timer. It reads the session's parts and changes none of them.
 *
 * @import { Report } from "./worker.js"
 * @import { Fallback, FallbackState, Mode, Reason } from "./fallback.js"
 * @import { GatewayState } from "./gateway-state.js"
 * @import { Pictures } from "./pictures.js"
 * @import { Clock } from "../measure/clock.js"
 * @import { Connection, ConnectionState } from "../transport/connection.js"
 *
 * @typedef {Readonly<{
 *   connection: ConnectionState,
 *   closeCode: number | null,
 *   retry_in_ms: number | null,
 *   role: string | null,
 *   desk: string | null,
 *   video: string | null,
 *   fallback: FallbackState,
 *   mode: Mode,
 *   reason: Reason,
 *   visible: boolean,
 *   plain: boolean,
 *   painted: boolean,
 *   problem: "outdated" | "too-old" | "broken" | null,
 * }>} Status
 *
 * retry_in_ms: until the next try to connect. desk, video: their states, as the gateway told them.
 * reason: why the fallback machine is locked or has no decoder. plain: over plain HTTP. painted: a
 * picture is on the canvas. problem: the session reports only "outdated"; the page itself finds out
 * about the other two.
 *
 * @typedef {{
 *   mode: string, state: string, connection: string, transport: string, rtt_ms: number | null,
 *   base_rtt_ms: number | null, age_ms: number | null, painted: number, fps: number,
 *   bitrate_kbps: number, decoder: string, codec: string | null, rendition: string | null,
 *   width: number, height: number,
 *   epoch: number, received: number, video_bytes: number, screenshot_bytes: number, backlog:
 *   number,
 *   quality: number | null, scale: number | null, stale: boolean,
 * }} Stats
 *
 * state: the state of fallback.js. age_ms: how old the picture on the canvas was when it was
 * painted. received: the newest sequence that came. video_bytes, screenshot_bytes, painted: counted
 * since the session began. backlog: how many units wait to be decoded.
 *
 * @typedef {{
 *   now: () => number,
 *   fallback: () => Fallback,
 *   gateway: GatewayState,
 *   connection: Connection,
 *   clock: Clock,
 *   pictures: Pictures,
 * }} SessionParts
 */

/** The time between two reports of the statistics (ms). */
const INTERVAL_MS = 500;

export class Reports {
  /** @type {SessionParts} */
  #parts;
  /** @type {(report: Report) => void} */
  #send;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  /** The desk's size that the page knows; "": none. */
  #sentSize = "";

  /** @param {SessionParts} parts @param {(report: Report) => void} send */
  constructor(parts, send) {
    this.#parts = parts;
    this.#send = send;
  }

  /** Sends the statistics regularly from now on. */
  start() {
    this.#timer = setInterval(() => this.stats(), INTERVAL_MS);
  }

  stop() {
    clearInterval(this.#timer);
  }

  /** Sends the desk's size if it is not the one that the page knows. */
  size() {
    const { gateway, pictures } = this.#parts;
    const { painter } = pictures;
    const size = gateway.deskSize ?? { width: painter.width, height: painter.height };
    const name = `${size.width}x${size.height}`;
    if (size.width === 0 || name === this.#sentSize) return;
    this.#sentSize = name;
    this.#send({ type: "size", ...size });
  }

  /** Sends the status. */
  status() {
    const { connection, gateway, pictures } = this.#parts;
    const { state, mode, reason, visible, plain } = this.#parts.fallback();
    this.#send({
      type: "status",
      status: {
        connection: connection.state,
        closeCode: connection.closeCode,
        retry_in_ms: connection.retry_in_ms,
        role: gateway.role,
        desk: gateway.deskState,
        video: gateway.videoState,
        fallback: state,
        mode,
        reason,
        visible,
        plain,
        painted: pictures.statistics.hasPainted,
        problem: gateway.isOtherVersion ? "outdated" : null,
      },
    });
  }

  /** Sends the statistics; while the connection waits, the status too. */
  stats() {
    const { now, connection, gateway, clock, pictures } = this.#parts;
    const { statistics, painter, fetcher, decoder } = pictures;
    // While the connection waits, the status has a countdown.
    if (connection.state === "waiting") this.status();
    const { epoch, received, video_bytes, screenshot_bytes, stale, age_ms } = statistics;
    const { mode, state, plain } = this.#parts.fallback();
    const isVideo = state === "video" && !plain;
    this.#send({
      type: "stats",
      stats: {
        mode,
        state,
        connection: connection.state,
        transport: connection.transportName,
        rtt_ms: clock.rtt_ms,
        base_rtt_ms: clock.base_rtt_ms,
        age_ms,
        painted: painter.painted,
        ...statistics.rates(now()),
        decoder: isVideo ? "WebCodecs" : "JPEG",
        codec: isVideo ? (decoder?.codec ?? null) : null,
        rendition: isVideo ? gateway.rendition : null,
        width: painter.width,
        height: painter.height,
        epoch,
        received,
        video_bytes,
        screenshot_bytes,
        backlog: decoder?.backlog ?? 0,
        quality: isVideo ? null : fetcher.quality,
        scale: isVideo ? null : fetcher.scale,
        stale,
      },
    });
  }
}
