/**
 * Fakes the browser of a worker: its socket, requests, video decoder and clock, which the test
 * drives. Also makes the gateway's binary messages.
 */

const NAMES = ["WebSocket", "fetch", "VideoDecoder", "EncodedVideoChunk", "createImageBitmap", "isSecureContext"];

/** A WebSocket to the gateway. `sent` holds what the viewer sent, in short (see `describe`). */
class FakeSocket {
  static OPEN = 1;
  readyState = 0;
  bufferedAmount = 0;
  sent = [];

  constructor(url) {
    this.url = url.href;
  }

  send(message) {
    this.sent.push(describe(message));
  }

  close() {
    this.readyState = 3;
  }

  get isClosed() {
    return this.readyState === 3;
  }

  /** Opens the socket. The gateway says Welcome. */
  open(welcome = {}) {
    this.readyState = 1;
    this.onopen();
    this.say({ welcome: { protocol: 2, desk: "main", role: "control", settings: {}, ...welcome } });
  }

  /** Brings a message of the gateway: an object, or bytes. */
  say(message) {
    const isBinary = message instanceof ArrayBuffer;
    this.onmessage({ data: isBinary ? message : JSON.stringify(message) });
  }

  cut(code = 1006) {
    this.readyState = 3;
    this.onclose({ code });
  }

  take() {
    return this.sent.splice(0);
  }
}

/** Returns a VideoDecoder that gives its pictures when the test says so. */
function fakeDecoders() {
  const decoders = [];
  class VideoDecoder {
    state = "unconfigured";
    chunks = [];

    constructor(events) {
      Object.assign(this, events);
      decoders.push(this);
    }

    static isConfigSupported() {
      return Promise.resolve({ supported: true });
    }

    get decodeQueueSize() {
      return this.chunks.length;
    }

    configure() {
      this.state = "configured";
    }

    decode(chunk) {
      this.chunks.push(chunk);
    }

    flush() {
      return Promise.resolve();
    }

    close() {
      this.state = "closed";
    }

    /** Gives the next picture. */
    give() {
      const frame = picture(64, 48);
      this.output(Object.assign(frame, { timestamp: this.chunks.shift().timestamp, format: null }));
      return frame;
    }
  }
  return { decoders, VideoDecoder };
}

/** Returns a picture that notes whether it was closed. */
export function picture(width, height) {
  const fake = { width, height, isClosed: false, close: () => (fake.isClosed = true) };
  return fake;
}

/**
 * Puts the fakes in place of the browser, until `restore`.
 *
 * @param context  the test's context
 * @param {{ isSecure?: boolean }} options  isSecure: only a secure page has a VideoDecoder
 */
export function fakeBrowser(context, { isSecure = true } = {}) {
  context.mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  context.mock.method(Math, "random", () => 1);
  const { decoders, VideoDecoder } = fakeDecoders();
  const browser = { now_ms: 0, sockets: [], requests: [], decoders, now: () => browser.now_ms };
  const fakes = {
    WebSocket: class extends FakeSocket {
      constructor(url) {
        super(url);
        browser.sockets.push(this);
      }
    },
    fetch: (url, { signal }) =>
      new Promise((resolve, reject) => {
        const request = { url, signal, answer: (body, init) => resolve(new Response(body, init)) };
        browser.requests.push(request);
        // A request without a signal goes out when its transport ends.
        signal?.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
      }),
    VideoDecoder: isSecure ? VideoDecoder : undefined,
    EncodedVideoChunk: class {
      constructor(init) {
        Object.assign(this, init);
      }
    },
    createImageBitmap: () => Promise.resolve(picture(32, 24)),
    isSecureContext: isSecure,
  };
  const real = Object.fromEntries(NAMES.map((name) => [name, globalThis[name]]));
  Object.assign(globalThis, fakes);
  browser.restore = () => Object.assign(globalThis, real);
  browser.settle = async () => {
    for (let turn = 0; turn < 8; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  /** Lets time pass. `meanwhile` is called every 10 ms. */
  browser.pass = async (ms, meanwhile = () => undefined) => {
    await browser.settle();
    for (let left = ms; left > 0; left -= 10) {
      const step_ms = Math.min(10, left);
      browser.now_ms += step_ms;
      context.mock.timers.tick(step_ms);
      meanwhile();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await browser.settle();
  };
  Object.defineProperty(browser, "socket", { get: () => browser.sockets.at(-1) });
  return browser;
}

/** Returns a message in short: "ping 1", "ack 5/4" (received/painted), "key +4", or its JSON. */
function describe(message) {
  if (typeof message === "string") return message;
  const view = new DataView(message);
  switch (view.getUint8(0)) {
    case 0x10:
      return `ping ${view.getUint32(4, true)}`;
    case 0x11:
      return `ack ${view.getUint32(8, true)}/${view.getUint32(12, true)}`;
    case 0x20:
      return `key ${view.getUint8(1) ? "+" : "-"}${view.getUint16(2, true)}`;
    default:
      return `0x${view.getUint8(0).toString(16)}`;
  }
}

/** Makes the gateway's answer to a ping. */
export function pong(id, gateway_us = 0) {
  const view = new DataView(new ArrayBuffer(24));
  view.setUint8(0, 0x02);
  view.setUint32(4, id, true);
  view.setBigUint64(16, BigInt(gateway_us), true);
  return view.buffer;
}

/** Makes a video unit of 64 x 48 pixels. */
export function videoUnit(sequence, { idr = false, epoch = 1, captured_us = sequence * 1000 } = {}) {
  const payload = idr ? [0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x2a, 0xff, 0, 0, 1, 0x65, 1] : [0, 0, 0, 1, 0x41, 1];
  const bytes = new Uint8Array(28 + payload.length);
  const view = new DataView(bytes.buffer);
  bytes.set([0x01, Number(idr), 1, 7, 1, 1, 0, 0]);
  view.setUint32(8, epoch, true);
  view.setUint32(12, sequence, true);
  view.setBigUint64(16, BigInt(captured_us), true);
  view.setUint16(24, 64, true);
  view.setUint16(26, 48, true);
  bytes.set(payload, 28);
  return bytes.buffer;
}

/** Makes a message that says where the desk's pointer is, in 1/65536 of the desk. */
export function pointerPosition(x, y) {
  const view = new DataView(new ArrayBuffer(6));
  view.setUint8(0, 0x03);
  view.setUint16(2, x, true);
  view.setUint16(4, y, true);
  return view.buffer;
}
