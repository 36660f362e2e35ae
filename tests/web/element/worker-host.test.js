/** The worker of a view: when it is started again, and when it is given up. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";

import { WORKER_TRIES, WorkerHost } from "../../../services/gateway/fanlight_gateway/web/element/worker-host.js";

const real = globalThis.Worker;
const settle = () => new Promise((resolve) => setImmediate(resolve));
const COMMAND = { type: "start", base: "/", desk: "main", viewer: "v", mode: "automatic", visible: true };

let workers;
let log;
let host;

beforeEach(() => {
  workers = [];
  log = [];
  globalThis.Worker = class {
    posted = [];
    isTerminated = false;

    constructor(url) {
      this.url = url;
      workers.push(this);
    }

    postMessage(command, transfer = []) {
      this.posted.push({ command, transfer });
    }

    terminate() {
      this.isTerminated = true;
    }
  };
  host = new WorkerHost({
    command: () => COMMAND,
    onreport: (report) => log.push(report.type),
    onfirstscreenshot: () => log.push("first screenshot"),
    onbroken: () => log.push("broken"),
  });
});

afterEach(() => {
  globalThis.Worker = real;
});

const commands = (worker) => worker.posted.map(({ command }) => command.type);

describe("the worker", () => {
  test("is started with the view's command, and is sent what comes after it", () => {
    host.start(null);
    host.send({ type: "retry" });
    assert.match(workers[0].url.pathname, /\/session\/worker\.js$/);
    assert.deepEqual(workers[0].posted[0].command, { ...COMMAND, bringsScreenshot: false });
    assert.deepEqual(commands(workers[0]), ["start", "retry"]);
  });

  test("gets the first screenshot, which the page may show before", async () => {
    const bitmap = {};
    host.start(Promise.resolve({ bitmap, bytes: 1, captured_us: null, stale: false }));
    await settle();
    assert.deepEqual(log, ["first screenshot"]);
    const [start, brought] = workers[0].posted;
    assert.equal(start.command.bringsScreenshot, true);
    assert.deepEqual([brought.command.type, brought.transfer], ["first-screenshot", [bitmap]]);
  });

  test("is told where there is no first screenshot", async () => {
    host.start(Promise.resolve(null));
    await settle();
    assert.deepEqual(log, []);
    assert.deepEqual(workers[0].posted[1].command, { type: "first-screenshot", screenshot: null });
  });

  test("whose files do not come is started again, later and later, and then given up", (context) => {
    context.mock.timers.enable({ apis: ["setTimeout"] });
    host.start(Promise.resolve(null));
    for (let failures = 0; failures < WORKER_TRIES; failures++) {
      workers.at(-1).onerror();
      assert.equal(workers.at(-1).isTerminated, true);
      context.mock.timers.tick(300 * 2 ** failures - 1);
      assert.equal(workers.length, failures + 1);
      context.mock.timers.tick(1);
      assert.equal(workers.length, failures + 2);
      assert.equal(workers.at(-1).posted[0].command.bringsScreenshot, false);
    }
    assert.deepEqual(log, []);
    workers.at(-1).onerror();
    context.mock.timers.tick(60_000);
    assert.deepEqual([log, workers.length], [["broken"], WORKER_TRIES + 1]);
  });

  test("that has run is not started again after an error", (context) => {
    context.mock.timers.enable({ apis: ["setTimeout"] });
    host.start(null);
    workers[0].onmessage({ data: { type: "status" } });
    workers[0].onerror();
    context.mock.timers.tick(60_000);
    assert.deepEqual([log, workers.length], [["status", "broken"], 1]);
  });

  test("that was stopped ends itself, is heard no more, and leaves no picture open", (context) => {
    context.mock.timers.enable({ apis: ["setTimeout"] });
    host.start(null);
    host.stop();
    assert.equal(host.isStopped, true);
    assert.deepEqual(commands(workers[0]), ["start", "stop"]);
    let closed = 0;
    const picture = { close: () => closed++ };
    const step = { type: "picture", picture, source: { width: 1, height: 1 } };
    const drawings = [{ size: { width: 1, height: 1 }, steps: [step] }];
    workers[0].onmessage({ data: { type: "draw", drawings } });
    workers[0].onmessage({ data: { type: "status" } });
    workers[0].onerror();
    host.send({ type: "retry" });
    context.mock.timers.tick(60_000);
    assert.deepEqual([log, closed, workers.length], [[], 1, 1]);
    assert.deepEqual(commands(workers[0]), ["start", "stop"]);
  });

  test("that was stopped while it waits to be started again is not", (context) => {
    context.mock.timers.enable({ apis: ["setTimeout"] });
    host.start(null);
    workers[0].onerror();
    host.stop();
    context.mock.timers.tick(60_000);
    assert.equal(workers.length, 1);
  });
});
