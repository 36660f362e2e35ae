// @ts-check
/**
 * Sends pictures and patches, in order, to the page (canvas.js), which owns the canvas. Lives in
 * the worker. paint-queue.js decides the order, paint-ledger.js which parts of a picture are
 * painted. frame-steps.js and patch-steps.js turn pictures and patches into what the page draws.
 *
 * The worker makes the pixels, so that the page only puts them onto the canvas. The page has one
 * message at a time. Until the page has answered, what comes waits: a full picture replaces
 * everything that waits, and patches gather and go together.
 *
 * The painter drops pictures that a newer one overtook, and what is not wanted any more. It calls
 * `onlost`, after which a full picture has to come, in three cases: too much waits for a page that
 * does not answer (all of it is dropped); a picture comes after patches that belong onto it; the
 * page failed to draw.
 *
 * The painter closes every VideoFrame and ImageBitmap that it gets, or transfers it to the page.
 *
 * @import { Operation } from "../protocol/patch.js"
 * @import { Rectangle } from "../protocol/binary.js"
 * @import { Drawing, DrawResult, DrawStep, Picture, Size } from "./drawing.js"
 * @import { Timing } from "./frame-steps.js"
 *
 * @typedef {{ isWanted?: () => boolean, onpainted: (at_ms: number) => void }} PaintListener
 * isWanted: asked just before the picture goes to the page. onpainted: it is on the canvas.
 *
 * @typedef {Drawing & { place: Place, listener: PaintListener, area: number,
 *   timing: Timing | null }} Content
 * area: how many pixels the images of a patch have. timing: null if it is not timed.
 * @typedef {import("./paint-queue.js").Place<Content>} Place
 *
 * @typedef {{
 *   now: () => number,
 *   send: (drawings: Drawing[], transfer: Transferable[]) => void,
 *   decodeImage: (data: Uint8Array, type: string) => Promise<Picture>,
 *   onlost: () => void,
 * }} PainterHost
 */

import { buffersOf, closePictures, coverage, transferables } from "./drawing.js";
import { FrameSteps } from "./frame-steps.js";
import { LossReport } from "./loss.js";
import { PaintLedger } from "./paint-ledger.js";
import { PaintQueue } from "./paint-queue.js";
import { drawSteps, imageArea } from "./patch-steps.js";

/** If patches of more pixels than this (two desks of 8K) are in the queue, all is dropped. */
const MAX_WAITING_AREA = 2 ** 26;
/** If more pictures and patches than this are in the queue, all is dropped. */
const MAX_QUEUED = 1024;

export class Painter {
  /** @type {PainterHost} */
  #host;
  /** @type {PaintQueue<Content>} */
  #queue = new PaintQueue((content) => this.#drop(content));
  /** @type {PaintLedger<Place>} */
  #ledger = new PaintLedger();
  /** @type {FrameSteps} */
  #frameSteps;
  /** What the page has not answered yet. @type {{ contents: Content[], sent_ms: number } | null} */
  #sent = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {LossReport} */
  #loss;
  /** The pixels of the patches in the queue. */
  #area = 0;
  /** How many pictures and patches were painted in all. */
  painted = 0;
  /** The size of the canvas; 0: there was no picture yet. */
  width = 0;
  height = 0;

  /** @param {PainterHost} host */
  constructor(host) {
    this.#host = host;
    this.#frameSteps = new FrameSteps(host.now);
    this.#loss = new LossReport(host.now, host.onlost);
  }

  /**
   * Returns a place for a picture that is going to come. The caller fills it with `paintFrame` or
   * `paintPicture`, or gives it up with `abandon`.
   *
   * @param {readonly Rectangle[]} [areas]  where it differs from the one before it; none: anywhere
   * @returns {Place}
   */
  expect(areas = []) {
    const place = this.#queue.enter(true, this.#host.now());
    this.#ledger.expect(place, areas.length ? [...areas] : null);
    return place;
  }

  /** Gives a place up, because its picture will not come. @param {Place} place */
  abandon(place) {
    this.#queue.leave(place);
    this.#flush();
  }

  /**
   * Paints a decoded picture. Its top left part of the size `source` fills the canvas, because a
   * coded picture may be a row or a column larger.
   *
   * @param {Place} place
   * @param {VideoFrame} frame
   * @param {Size} source
   * @param {Size} size  the canvas's size
   * @param {PaintListener} listener
   */
  paintFrame(place, frame, source, size, listener) {
    if (place.isGone) {
      frame.close();
      this.#reportMissed(place);
      return;
    }
    this.#frameSteps.make(frame, source, {
      areas: () => this.#ledger.areasFor(place, source, size),
      onready: (step, timing) => {
        this.#fill(place, { ...this.#content(place, size, [step], listener), timing });
      },
      onturn: () => this.paintFrame(place, frame, source, size, listener),
      onreplaced: () => this.#queue.leave(place),
    });
  }

  /**
   * Paints a full picture that is ready: a screenshot.
   *
   * @param {Picture} picture
   * @param {Size} source
   * @param {Size} size
   * @param {PaintListener} listener
   * @param {Place} [place]  a new one at the end if no picture was expected
   */
  paintPicture(picture, source, size, listener, place = this.expect()) {
    if (listener.isWanted?.() === false) {
      // It must not go into the queue, where it would replace the pictures and patches before it.
      picture.close();
      this.abandon(place);
      return;
    }
    const step = /** @type {const} */ ({ type: "picture", picture, source });
    this.#fill(place, this.#content(place, size, [step], listener));
  }

  /**
   * Paints all operations of a patch together, over what was sent before it.
   *
   * @param {readonly Operation[]} operations
   * @param {Size} size  the canvas's size
   * @param {PaintListener} listener
   * @returns {Promise<void>} rejects if an image is none; nothing of the patch is painted then
   */
  async paintPatch(operations, size, listener) {
    const area = imageArea(operations);
    if (this.#area + area > MAX_WAITING_AREA || this.#queue.length >= MAX_QUEUED) {
      this.clear();
      this.#host.onlost();
      return;
    }
    this.#area += area;
    const place = this.#queue.enter(false, this.#host.now());
    const areas = operations.map(({ x, y, width, height }) => ({ x, y, width, height }));
    this.#ledger.expect(place, areas);
    let steps;
    try {
      steps = await drawSteps(operations, this.#host.decodeImage);
    } catch (error) {
      this.#area -= area;
      this.abandon(place);
      throw error;
    }
    this.#fill(place, { ...this.#content(place, size, steps, listener), area });
  }

  /** Drops everything that waits. */
  clear() {
    this.#frameSteps.dropNext();
    this.#queue.clear();
    this.#ledger.forget();
    clearTimeout(this.#timer);
    this.#loss.clear();
  }

  /** Takes the page's answer to a message. @param {DrawResult} result */
  drawn({ at_ms, buffers }) {
    const sent = this.#sent;
    if (!sent) return;
    this.#sent = null;
    this.#frameSteps.giveBack(buffers);
    this.#flush();
    if (at_ms === null) {
      this.#ledger.forget();
      this.#loss.report();
      return;
    }
    // The page and the worker may have read the time of day at different moments, so the page's
    // time may be off. A picture is drawn after it was sent, and not later than now.
    const worker_ms = at_ms - performance.timeOrigin;
    const drawn_ms = Math.min(Math.max(worker_ms, sent.sent_ms), this.#host.now());
    for (const { listener, timing, size } of sent.contents) {
      if (timing) this.#frameSteps.painted(timing, drawn_ms);
      ({ width: this.width, height: this.height } = size);
      this.painted++;
      listener.onpainted(drawn_ms);
    }
  }

  /**
   * @param {Place} place @param {Size} size @param {DrawStep[]} steps
   * @param {PaintListener} listener
   * @returns {Content}
   */
  #content(place, { width, height }, steps, listener) {
    return { place, size: { width, height }, steps, listener, area: 0, timing: null };
  }

  /** @param {Place} place @param {Content} content */
  #fill(place, content) {
    this.#queue.fill(place, content);
    this.#reportMissed(place);
    this.#flush();
  }

  /** Reports a picture that came after the patches that belong onto it. @param {Place} place */
  #reportMissed(place) {
    if (this.#queue.isMissed(place)) this.#loss.report(() => this.#queue.isMissed(place));
  }

  #flush() {
    clearTimeout(this.#timer);
    if (this.#sent) return;
    const now_ms = this.#host.now();
    const contents = this.#queue.take(now_ms).filter((content) => {
      if (content.listener.isWanted?.() === false) {
        this.#drop(content);
        return false;
      }
      this.#area -= content.area;
      return true;
    });
    const { due_ms } = this.#queue;
    if (due_ms !== null) {
      this.#timer = setTimeout(() => this.#flush(), Math.max(1, due_ms - now_ms));
    }
    if (contents.length === 0) return;
    for (const { place, steps } of contents) this.#ledger.sent(place, coverage(steps[0]));
    this.#sent = { contents, sent_ms: now_ms };
    const drawings = contents.map(({ size, steps }) => ({ size, steps }));
    this.#host.send(drawings, drawings.flatMap(({ steps }) => steps.flatMap(transferables)));
  }

  /** @param {Content} content */
  #drop(content) {
    this.#area -= content.area;
    closePictures([content]);
    this.#frameSteps.giveBack(buffersOf([content]));
  }
}
