// @ts-check
/**
 * What is to be painted, in order, and sent to the page (canvas.js), which owns the canvas. Lives in
 * the worker; the order is paint-queue.js's.
 *
 * Pixels are made here (decoding images, copying pictures out of their frames), so that the page only
 * puts them down. One message is at the page at a time: while the page is busy, a full picture
 * replaces what waits, and patches gather, to go together. What it drops: pictures that a newer one
 * overtook, what is not wanted any more, and, when too much waits for a page that does not answer,
 * all of it (`onlost`). A picture is painted only where it differs from the one before, which its unit
 * tells (`areas`): without a GPU, copying it costs more than decoding it. Where one was dropped is
 * owed to the next. A picture that comes after patches which belong onto it, and what
 * the page failed to draw, is lost, too. Every VideoFrame and ImageBitmap is closed or transferred.
 *
 * @import { Operation } from "../protocol/patch.js"
 * @import { Rectangle } from "../protocol/binary.js"
 * @import { Drawn, Order as PageOrder, Picture, Size, Step } from "../element/canvas.js"
 *
 * @typedef {{
 *   isWanted?: () => boolean,
 *   drawn: (at_ms: number) => void,
 * }} Watcher
 * isWanted is asked just before it goes to the page; drawn is called when it is on the canvas.
 *
 * @typedef {PageOrder & { place: Place, watcher: Watcher, area: number,
 *   way: "draw" | "copy" | null, began_ms: number }} Content
 * @typedef {import("./paint-queue.js").Place<Content>} Place
 *
 * @typedef {{
 *   now: () => number,
 *   send: (orders: PageOrder[], transfer: Transferable[]) => void,
 *   decodeImage: (data: Uint8Array, type: string) => Promise<Picture>,
 *   onlost: () => void,
 * }} PainterHost
 * onlost: patches were lost; what comes next has to be a full picture.
 */

import { Order } from "./paint-queue.js";
import { PaintWay } from "./paint-method.js";
import { MEDIA_TYPES } from "../protocol/patch.js";
import { discard } from "../element/canvas.js";

/** Patches that wait may have so many pixels in all: two desks of 8K. */
const MAX_WAITING_AREA = 2 ** 26;
/** Whatever waits, beyond this it is lost. */
const MAX_PLACES = 1024;
/** More areas than this are painted as one around them: each copy waits for the page's thread. */
const MAX_PAINTED_AREAS = 3;
/** With more than this share of the picture, all of it costs no more. */
const MAX_PAINTED_SHARE = 0.8;
/** Buffers kept for copies: one at the page, one being filled. */
const MAX_BUFFERS = 2;
/** A decoder that holds all back, or a page that draws none, must not make all IDRs (ms). */
export const LOST_INTERVAL_MS = 3000;

export class Painter {
  /** @type {PainterHost} */
  #host;
  /** @type {Order<Content>} */
  #order = new Order((content) => this.#drop(content));
  #way = new PaintWay();
  /** At the page. @type {{ contents: Content[], sent_ms: number } | null} */
  #sent = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** When a late or failed picture was told of. */
  #told_ms = -Infinity;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #tellTimer;
  /** Of patches in the line. */
  #area = 0;
  /**
   * Where pictures and patches that have not gone to the page would have changed it, in their order;
   * null: everywhere. What is painted after them is painted there, too.
   *
   * @type {{ place: Place, areas: Rectangle[] | null }[]}
   */
  #owed = [];
  /** Nobody knows what is on the canvas: the next picture is painted everywhere. */
  #owesAll = true;
  /** @type {ArrayBuffer[]} */
  #buffers = [];
  #copying = false;
  /** Comes after the one that is being copied. @type {[Place, VideoFrame, Content] | null} */
  #next = null;
  /** Pictures and patches really drawn. */
  painted = 0;
  /** Of the canvas; 0 before there is a picture. */
  width = 0;
  height = 0;

  /** @param {PainterHost} host */
  constructor(host) {
    this.#host = host;
  }

  /**
   * A place for a picture that is going to come: fill it with `show` or give it back with `leave`.
   *
   * @param {readonly Rectangle[]} [areas]  where it differs from what is before it; none: anywhere
   * @returns {Place}
   */
  expect(areas = []) {
    const place = this.#order.enter(true, this.#host.now());
    this.#owe(place, areas.length ? [...areas] : null);
    return place;
  }

  /** The picture will not come. @param {Place} place */
  leave(place) {
    this.#order.leave(place);
    this.#flush();
  }

  /**
   * A decoded picture has come. The top left `source` of it (a coded picture may be a row or a
   * column larger) is drawn in `size`, the desk's.
   *
   * @param {Place} place
   * @param {VideoFrame} frame
   * @param {Size} source
   * @param {Size} size
   * @param {Watcher} watcher
   */
  show(place, frame, source, size, watcher) {
    const areas = this.#areasOf(place, source, size);
    const step = /** @type {const} */ ({ type: "picture", picture: frame, source });
    const content = this.#content(place, size, [step], watcher);
    if (place.isGone) {
      frame.close();
      this.#late(place);
    } else if (!this.#way.copies || !isCopyable(frame, source)) {
      content.way = "draw";
      this.#fill(place, content);
    } else if (this.#copying) {
      this.#abandonNext();
      this.#next = [place, frame, content];
    } else {
      void this.#copy(place, frame, source, areas, content);
    }
  }

  /**
   * A full picture that is complete: a still. The place is its own, unless it was expected.
   *
   * @param {Picture} picture
   * @param {Size} source
   * @param {Size} size
   * @param {Watcher} watcher
   * @param {Place} [place]
   */
  picture(picture, source, size, watcher, place = this.expect()) {
    if (watcher.isWanted?.() === false) {
      // It must not replace what is before it in the line.
      picture.close();
      this.leave(place);
      return;
    }
    const step = /** @type {const} */ ({ type: "picture", picture, source });
    this.#fill(place, this.#content(place, size, [step], watcher));
  }

  /**
   * Paints the operations of a patch over what was sent before it, all of them together.
   * `size` is the desk's. Rejects, having painted nothing, where an image is none.
   *
   * @param {readonly Operation[]} operations
   * @param {Size} size
   * @param {Watcher} watcher
   */
  async patch(operations, size, watcher) {
    const images = operations.filter(({ type }) => type === "Image");
    const area = images.reduce((sum, { width, height }) => sum + width * height, 0);
    if (this.#area + area > MAX_WAITING_AREA || this.#order.length >= MAX_PLACES) {
      this.clear();
      this.#host.onlost();
      return;
    }
    this.#area += area;
    const place = this.#order.enter(false, this.#host.now());
    this.#owe(
      place,
      operations.map(({ x, y, width, height }) => ({ x, y, width, height })),
    );
    const results = await Promise.allSettled(operations.map((operation) => this.#step(operation)));
    const steps = results.flatMap((result) => (result.status === "fulfilled" ? result.value : []));
    const content = { ...this.#content(place, size, steps, watcher), area };
    const failure = results.find((result) => result.status === "rejected");
    if (failure) {
      this.#drop(content);
      this.leave(place);
      throw failure.reason;
    }
    this.#fill(place, content);
  }

  /** Nothing that waits is painted any more. */
  clear() {
    this.#abandonNext();
    this.#order.clear();
    this.#forget();
    clearTimeout(this.#timer);
    clearTimeout(this.#tellTimer);
  }

  /** The page has drawn what it was sent. @param {Drawn} drawn */
  drawn({ at_ms, buffers }) {
    const sent = this.#sent;
    if (!sent) return;
    this.#sent = null;
    this.#buffers.push(...buffers);
    this.#buffers.splice(0, this.#buffers.length - MAX_BUFFERS);
    this.#flush();
    if (at_ms === null) {
      this.#forget();
      this.#lost();
      return;
    }
    // The page's clock may have been set from another reading of the time of day than ours.
    const ours_ms = at_ms - performance.timeOrigin;
    const drawn_ms = Math.min(Math.max(ours_ms, sent.sent_ms), this.#host.now());
    for (const { watcher, way, began_ms, size } of sent.contents) {
      if (way === "draw") this.#way.drew(drawn_ms - began_ms);
      else if (way === "copy") this.#way.copied(drawn_ms - began_ms);
      ({ width: this.width, height: this.height } = size);
      this.painted++;
      watcher.drawn(drawn_ms);
    }
  }

  /** @param {Place} place @param {Rectangle[] | null} areas */
  #owe(place, areas) {
    if (this.#owed.length >= MAX_PLACES) this.#forget();
    this.#owed.push({ place, areas });
  }

  /** Nobody knows what of it all was painted. */
  #forget() {
    this.#owed = [];
    this.#owesAll = true;
  }

  /**
   * Where the picture of this place has to be painted; null: everywhere.
   *
   * @param {Place} place @param {Size} source @param {Size} size
   * @returns {Rectangle[] | null}
   */
  #areasOf(place, source, size) {
    const isScaled = source.width !== size.width || source.height !== size.height;
    const last = this.#owed.findIndex((each) => each.place === place);
    // Drawing a part takes a browser as long as drawing all of it.
    const isCopied = this.#way.isDecided && this.#way.copies;
    if (this.#owesAll || isScaled || last === -1 || !isCopied) return null;
    /** @type {Rectangle[]} */
    let areas = [];
    // The newest first: what moves is mostly the same again.
    for (const each of this.#owed.slice(0, last + 1).reverse()) {
      if (each.areas === null) return null;
      for (const area of each.areas) {
        if (!areas.some((other) => covers(other, area))) areas.push(area);
      }
      if (areas.length > MAX_PAINTED_AREAS) areas = [around(areas)];
    }
    const painted = areas.reduce((sum, area) => sum + area.width * area.height, 0);
    return painted <= MAX_PAINTED_SHARE * source.width * source.height ? areas : null;
  }

  /** It goes to the page. @param {Content} content */
  #pay({ place, steps: [step] }) {
    const index = this.#owed.findIndex((each) => each.place === place);
    // It was forgotten, and what came before it may have been.
    if (index === -1) return;
    if (step?.type === "picture" || step?.type === "pixels") {
      // It has been made to cover all that is owed before it.
      this.#owed.splice(0, index + 1);
      if (step.type === "picture" || step.areas === null) this.#owesAll = false;
    } else if (index === 0) {
      this.#owed.shift();
    }
  }

  /**
   * @param {Place} place @param {Size} size @param {Step[]} steps @param {Watcher} watcher
   * @returns {Content}
   */
  #content(place, { width, height }, steps, watcher) {
    const began_ms = this.#host.now();
    return { place, size: { width, height }, steps, watcher, area: 0, way: null, began_ms };
  }

  /** @param {Operation} operation @returns {Promise<Step>} */
  async #step(operation) {
    const { x, y, width, height } = operation;
    const rectangle = { x, y, width, height };
    if (operation.type === "Copy") {
      const { from_x, from_y } = operation;
      return { type: "copy", ...rectangle, from_x, from_y };
    }
    const type = /** @type {string} */ (MEDIA_TYPES[operation.format]);
    const image = await this.#host.decodeImage(operation.data, type);
    return { type: "image", ...rectangle, image };
  }

  /** @param {Place} place @param {Content} content */
  #fill(place, content) {
    this.#order.fill(place, content);
    this.#late(place);
    this.#flush();
  }

  /** It is ready: if what lies on the canvas needed it, all has to come anew. @param {Place} place */
  #late(place) {
    if (this.#order.isMissed(place)) this.#lost(() => this.#order.isMissed(place));
  }

  /** Told, but not too often. @param {() => boolean} [isStill] whether it is, when it is told */
  #lost(isStill = () => true) {
    clearTimeout(this.#tellTimer);
    const wait_ms = this.#told_ms + LOST_INTERVAL_MS - this.#host.now();
    if (wait_ms > 0) {
      this.#tellTimer = setTimeout(() => this.#lost(isStill), wait_ms);
    } else if (isStill()) {
      this.#told_ms = this.#host.now();
      this.#host.onlost();
    }
  }

  #flush() {
    clearTimeout(this.#timer);
    if (this.#sent) return;
    const now_ms = this.#host.now();
    const contents = this.#order.take(now_ms).filter((content) => {
      if (content.watcher.isWanted?.() === false) {
        this.#drop(content);
        return false;
      }
      this.#area -= content.area;
      return true;
    });
    const { due_ms } = this.#order;
    if (due_ms !== null) {
      this.#timer = setTimeout(() => this.#flush(), Math.max(1, due_ms - now_ms));
    }
    if (contents.length === 0) return;
    for (const content of contents) this.#pay(content);
    this.#sent = { contents, sent_ms: now_ms };
    const orders = contents.map(({ size, steps }) => ({ size, steps }));
    this.#host.send(orders, orders.flatMap(({ steps }) => steps.flatMap(transferables)));
  }

  /** @param {Content} content */
  #drop(content) {
    this.#area -= content.area;
    discard([content]);
    for (const step of content.steps) if (step.type === "pixels") this.#buffers.push(step.pixels);
  }

  /**
   * @param {Place} place @param {VideoFrame} frame @param {Size} source
   * @param {Rectangle[] | null} areas @param {Content} content
   */
  async #copy(place, frame, { width, height }, areas, content) {
    const stride = 4 * width;
    // A row more: the last one of an area is taken for as long as any.
    const size_bytes = stride * (height + 1);
    const kept = this.#buffers.findIndex((buffer) => buffer.byteLength === size_bytes);
    const pixels =
      kept === -1 ? new ArrayBuffer(size_bytes) : this.#buffers.splice(kept, 1)[0];
    this.#copying = true;
    try {
      const all = areas ?? [{ x: 0, y: 0, width, height }];
      await Promise.all(
        all.map(evened).map((rect) => {
          const layout = [{ offset: rect.y * stride + 4 * rect.x, stride }];
          // "RGBX" is not in TypeScript's types yet; browsers without it refuse, and are drawn to.
          const options = /** @type {VideoFrameCopyToOptions} */ ({ format: "RGBX", rect, layout });
          return frame.copyTo(pixels, options);
        }),
      );
      frame.close();
      content.steps = [{ type: "pixels", pixels, source: { width, height }, areas }];
      content.way = "copy";
    } catch {
      this.#way.cannotCopy();
    }
    this.#copying = false;
    this.#fill(place, content);
    const next = this.#next;
    this.#next = null;
    if (next) {
      const [step] = next[2].steps;
      const { size, watcher } = next[2];
      if (step.type === "picture") this.show(next[0], next[1], step.source, size, watcher);
    }
  }

  #abandonNext() {
    if (!this.#next) return;
    const [place, frame] = this.#next;
    frame.close();
    this.#order.leave(place);
    this.#next = null;
  }
}

/** @param {Step} step @returns {Transferable[]} */
function transferables(step) {
  switch (step.type) {
    case "picture":
      return [step.picture];
    case "image":
      return [step.image];
    case "pixels":
      return [step.pixels];
    case "copy":
      return [];
  }
}

/** @param {Rectangle} outer @param {Rectangle} inner */
function covers(outer, inner) {
  return (
    outer.x <= inner.x &&
    outer.y <= inner.y &&
    outer.x + outer.width >= inner.x + inner.width &&
    outer.y + outer.height >= inner.y + inner.height
  );
}

/** @param {readonly Rectangle[]} areas @returns {Rectangle} */
function around(areas) {
  const x = Math.min(...areas.map((area) => area.x));
  const y = Math.min(...areas.map((area) => area.y));
  const width = Math.max(...areas.map((area) => area.x + area.width)) - x;
  const height = Math.max(...areas.map((area) => area.y + area.height)) - y;
  return { x, y, width, height };
}

/**
 * With whole chroma samples, as a copy has to be; the picture's own sides are even.
 *
 * @param {Rectangle} area
 * @returns {Rectangle}
 */
function evened({ x, y, width, height }) {
  const left = x - (x % 2);
  const top = y - (y % 2);
  const right = x + width + ((x + width) % 2);
  const bottom = y + height + ((y + height) % 2);
  return { x: left, y: top, width: right - left, height: bottom - top };
}

/**
 * Pictures whose format is null lie where only the GPU reaches them; of odd sizes a copy may not
 * begin or end between two chroma samples.
 *
 * @param {VideoFrame} frame @param {Size} size
 */
function isCopyable(frame, size) {
  return frame.format !== null && size.width % 2 === 0 && size.height % 2 === 0;
}
