/** Tests when the worker of a view is started again, and when it is given up. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";

import { WORKER_TRIES, WorkerHost } from "../../../services/gateway/fanlight_gateway/web/element/worker-host.js";
import { tableOf } from "../tables.js";

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

describe("the table at the top of worker-host.js", () => {
  const PAUSES_MS = 60_000;

  /** Brings the host into a state, and forgets how. */
  const reach = (state) => {
    if (state === "stopped") return;
    host.start(null);
    if (state === "starting") return;
    workers[0].onmessage({ data: { type: "status" } });
    if (state === "broken") workers[0].onerror();
    log.length = 0;
  };
  /** Finds the state out by what the host does next. `log` holds what the event has done. */
  const stateOf = (tick) => {
    if (log.includes("broken")) return "broken";
    const before = workers.at(-1)?.posted.length;
    host.send({ type: "retry" });
    if (workers.at(-1)?.posted.length === before) return "stopped";
    workers.at(-1).onerror();
    tick(PAUSES_MS);
    return log.includes("broken") ? "running" : "starting";
  };
  const failOnce = (tick) => {
    workers.at(-1).onerror();
    tick(PAUSES_MS);
  };
  /** For each row by its number: makes the event happen, and checks what it does. */
  const ROWS = {
    1: () => {
      host.start(null);
      assert.deepEqual([workers.length, commands(workers[0])], [1, ["start"]]);
    },
    2: () => {
      workers[0].onmessage({ data: { type: "status" } });
      assert.deepEqual(log, ["status"]);
    },
    3: (tick) => {
      failOnce(tick);
      assert.deepEqual([workers.length, workers[0].isTerminated, log], [2, true, []]);
      assert.deepEqual(commands(workers[1]), ["start"]);
    },
    4: (tick) => {
      for (let failures = 0; failures < WORKER_TRIES; failures++) failOnce(tick);
      assert.deepEqual([workers.length, log], [WORKER_TRIES + 1, []]);
      failOnce(tick);
      assert.deepEqual([workers.length, log], [WORKER_TRIES + 1, ["broken"]]);
    },
    5: (tick) => {
      failOnce(tick);
      assert.deepEqual([workers.length, log], [1, ["broken"]]);
    },
    6: (tick, from) => {
      host.stop();
      const last = workers.map((worker) => commands(worker).at(-1));
      assert.deepEqual(last, from === "stopped" ? [] : ["stop"]);
      tick(PAUSES_MS);
      assert.deepEqual([workers.length, log], [last.length, []]);
    },
  };
  const rows = tableOf("element/worker-host.js");

  test("has a test for each of its rows", () => {
    assert.deepEqual(rows.map(([, event]) => String(parseInt(event, 10))), Object.keys(ROWS));
  });

  for (const [state, event, next] of rows) {
    for (const from of state === "any" ? ["stopped", "starting", "running", "broken"] : [state]) {
      test(`${from}, ${event}`, (context) => {
        context.mock.timers.enable({ apis: ["setTimeout"] });
        const tick = (ms) => context.mock.timers.tick(ms);
        reach(from);
        ROWS[parseInt(event, 10)](tick, from);
        assert.equal(stateOf(tick), next.match(/^\w+/)[0]);
      });
    }
  }
});
