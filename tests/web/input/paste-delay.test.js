/** Tests the keys that wait for a text: each row of the table at the top of paste-delay.js. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { PASTE_WAIT_MS, PasteDelay } from "../../../services/gateway/fanlight_gateway/web/input/paste-delay.js";
import { tableOf } from "../tables.js";

function setUp(context) {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const sent = [];
  const delay = new PasteDelay((messages) => sent.push(...messages));
  return { delay, take: () => sent.splice(0), tick: (ms) => context.mock.timers.tick(ms) };
}

describe("the table at the top of paste-delay.js", () => {
  /** Brings the delay into a state; in `waiting`, two messages wait, and half of the time is over. */
  const reach = ({ delay, tick }, state) => {
    if (state === "idle") return;
    delay.start();
    delay.send(["a"]);
    delay.send(["b", "c"]);
    tick(PASTE_WAIT_MS / 2);
  };
  /** Finds the state out by what becomes of a message. */
  const stateOf = ({ delay, take }) => {
    take();
    delay.send(["probe"]);
    return take().length ? "idle" : "waiting";
  };
  /** The events of each row by its number, and what is sent then. */
  const ROWS = {
    1: { events: [({ delay }) => delay.start()], sent: [] },
    2: { events: [({ delay }) => delay.send(["x", "y"])], sent: ["x", "y"] },
    3: { events: [({ delay }) => delay.send(["x"])], sent: [] },
    4: { events: [({ delay }) => delay.start()], sent: [] },
    5: {
      events: [({ delay }) => delay.finish(), ({ tick }) => tick(PASTE_WAIT_MS / 2)],
      sent: ["a", "b", "c"],
    },
    6: { events: [({ delay }) => delay.drop()], sent: [] },
  };
  const rows = tableOf("input/paste-delay.js");

  test("has a test for each of its rows", () => {
    assert.deepEqual(rows.map(([, event]) => String(parseInt(event, 10))), Object.keys(ROWS));
  });

  for (const [state, event, next] of rows) {
    for (const from of state === "any" ? ["idle", "waiting"] : [state]) {
      const { events, sent } = ROWS[parseInt(event, 10)];
      events.forEach((fire, variant) => {
        test(`${from}, ${event} (${variant + 1})`, (context) => {
          const it = setUp(context);
          reach(it, from);
          fire(it);
          assert.deepEqual(it.take(), sent);
          assert.equal(stateOf(it), next);
        });
      });
    }
  }

  test("4: the time goes on from the first `start`", (context) => {
    const it = setUp(context);
    reach(it, "waiting");
    it.delay.start();
    it.tick(PASTE_WAIT_MS / 2 - 1);
    assert.deepEqual(it.take(), []);
    it.tick(1);
    assert.deepEqual(it.take(), ["a", "b", "c"]);
  });

  test("3: what waits is sent in order, behind what waited before", (context) => {
    const it = setUp(context);
    reach(it, "waiting");
    it.delay.send(["x"]);
    it.delay.finish();
    assert.deepEqual(it.take(), ["a", "b", "c", "x"]);
  });

  test("5: the time of a wait that has ended does not end the next one", (context) => {
    const it = setUp(context);
    reach(it, "waiting");
    it.delay.finish();
    it.take();
    it.delay.start();
    it.delay.send(["next"]);
    it.tick(PASTE_WAIT_MS - 1);
    assert.deepEqual(it.take(), []);
    it.tick(1);
    assert.deepEqual(it.take(), ["next"]);
  });

  test("6: nothing of what was dropped is sent when the time is over", (context) => {
    const it = setUp(context);
    reach(it, "waiting");
    it.delay.drop();
    it.tick(10 * PASTE_WAIT_MS);
    assert.deepEqual(it.take(), []);
  });
});

test("nothing is sent for no messages", (context) => {
  const calls = [];
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const delay = new PasteDelay((messages) => calls.push(messages));
  delay.send([]);
  delay.start();
  delay.finish();
  assert.deepEqual(calls, []);
});
