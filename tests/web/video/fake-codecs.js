/** A VideoDecoder for tests, which gives its pictures when the test says so. */

import assert from "node:assert/strict";

import { Decoder } from "../../../services/gateway/fanlight_gateway/web/video/decoder.js";

/** Returns a decoder on a VideoDecoder that gives its pictures when the test says so. */
export function fakeCodecs({ supports = () => true } = {}) {
  const codecs = [];
  class VideoDecoder {
    state = "unconfigured";
    chunks = [];
    constructor({ output, error }) {
      Object.assign(this, { output, error });
      codecs.push(this);
    }
    static isConfigSupported({ codec }) {
      if (codec === "avc1.000000") return Promise.reject(new TypeError("what is this?"));
      return Promise.resolve({ supported: supports(codec) });
    }
    get decodeQueueSize() {
      return this.chunks.length;
    }
    configure(config) {
      this.state = "configured";
      this.config = config;
    }
    decode(chunk) {
      if (this.throws) throw new Error("bad data");
      this.chunks.push(chunk);
    }
    close() {
      this.state = "closed";
    }
    flush() {
      this.flushed = true;
      return Promise.reject(new Error("closed"));
    }
    give() {
      const { timestamp } = this.chunks.shift();
      const frame = { timestamp, closed: false, close() { this.closed = true; } };
      this.output(frame);
      return frame;
    }
  }
  class EncodedVideoChunk {
    constructor(init) {
      Object.assign(this, init);
    }
  }
  const log = [];
  const abandoned = [];
  let places = 0;
  const host = {
    now_ms: 0,
    now: () => host.now_ms,
    onexpected: () => ({ name: ++places }),
    onabandoned: ({ name }) => abandoned.push(name),
    onpicture: (frame, { sequence }, place) => {
      assert.ok(place.name);
      log.push(`picture ${sequence}`);
      frame.close();
    },
    onpatch: ({ sequence }) => log.push(`patch ${sequence}`),
    onneedidr: () => log.push("idr?"),
    onunsupported: () => log.push("unsupported"),
    onfailed: (why) => log.push(`failed: ${why}`),
    VideoDecoder,
    EncodedVideoChunk,
  };
  return { host, log, codecs, abandoned, decoder: new Decoder(host), take: () => log.splice(0) };
}

export const settle = () => new Promise((resolve) => setImmediate(resolve));
