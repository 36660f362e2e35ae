// @ts-check
/**
 * Starts the worker of a `<fanlight-view>` and talks to it. Lives in the page; owns the Worker.
 *
 *   state    | event                                            | next
 *   ---------+--------------------------------------------------+---------------------------------
 *   stopped  | 1 `start`                                        | starting: a new Worker
 *   starting | 2 the worker's first report                      | running
 *   starting | 3 an error: one of its files did not come        | starting again after a pause,
 *            |                                                  |   `WORKER_TRIES` times
 *   starting | 4 the same, once more                            | broken: `onbroken`
 *   running  | 5 an error                                       | broken: `onbroken`
 *   any      | 6 `stop`                                         | stopped: the worker ends itself
 *
 * 3: when the network changes, a browser fails all files that it is loading. Reports of a worker
 * that was stopped are dropped, and the pictures in them are closed. A test has a case for each
 * row.
 *
 * @import { Command, Report } from "../session/worker.js"
 * @import { FirstScreenshot } from "../screenshots/first-screenshot.js"
 *
 * @typedef {Omit<Extract<Command, { type: "start" }>, "bringsScreenshot">} StartCommand
 *
 * @typedef {{
 *   command: () => StartCommand,
 *   onreport: (report: Report) => void,
 *   onfirstscreenshot: (bitmap: ImageBitmap) => void,
 *   onbroken: () => void,
 * }} WorkerHostOptions
 *
 * command: returns the start command; called at each start. onfirstscreenshot: the page may show
 * the bitmap, because the worker, which gets it next, may not run yet. onbroken: the worker is
 * given up.
 */

import { closePictures } from "../painting/drawing.js";

/** A worker whose files do not come is started again at most this many times. */
export const WORKER_TRIES = 5;
/** The first pause before that (ms). It doubles from try to try. */
const WORKER_PAUSE_MS = 300;

export class WorkerHost {
  /** @type {WorkerHostOptions} */
  #options;
  /** Null: stopped. @type {Worker | null} */
  #worker = null;

  /** @param {WorkerHostOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /**
   * Starts the worker.
   *
   * @param {Promise<FirstScreenshot | null> | null} firstScreenshot  null: the worker asks for it
   */
  start(firstScreenshot) {
    this.#start(firstScreenshot, 0);
  }

  /**
   * Sends a command, or drops it if the worker is stopped.
   *
   * @param {Command} command
   * @param {Transferable[]} [transfer]
   */
  send(command, transfer = []) {
    this.#worker?.postMessage(command, transfer);
  }

  /** Tells the worker to end itself. */
  stop() {
    this.send({ type: "stop" });
    this.#worker = null;
  }

  /**
   * @param {Promise<FirstScreenshot | null> | null} firstScreenshot
   * @param {number} failures  how many workers in a row failed before their first report
   */
  #start(firstScreenshot, failures) {
    const worker = new Worker(new URL("../session/worker.js", import.meta.url), { type: "module" });
    let isRunning = false;
    worker.onmessage = ({ data }) => {
      isRunning = true;
      if (worker === this.#worker) this.#options.onreport(data);
      else if (data.type === "draw") closePictures(data.drawings);
    };
    worker.onerror = () => {
      if (worker !== this.#worker) return;
      if (isRunning || failures === WORKER_TRIES) {
        this.#options.onbroken();
        return;
      }
      worker.terminate();
      // The first screenshot went to the worker that failed, so the next one asks for its own.
      const again = () => worker === this.#worker && this.#start(null, failures + 1);
      setTimeout(again, WORKER_PAUSE_MS * 2 ** failures);
    };
    this.#worker = worker;
    this.send({ ...this.#options.command(), bringsScreenshot: firstScreenshot !== null });
    void firstScreenshot?.then((screenshot) => {
      if (screenshot && worker === this.#worker) {
        this.#options.onfirstscreenshot(screenshot.bitmap);
      }
      /** @type {Command} */
      const command = { type: "first-screenshot", screenshot };
      worker.postMessage(command, screenshot ? [screenshot.bitmap] : []);
    });
  }
}
