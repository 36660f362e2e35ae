/** Tests when acknowledgements of units go out. */

import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";

import { ACK_DELAY_MS, ACK_RELAXED_MS } from "../../../services/gateway/fanlight_gateway/web/video/acknowledgements.js";
import { Acknowledger } from "../../../services/gateway/fanlight_gateway/web/video/acknowledger.js";

let now_ms;
let sent;
let acknowledger;

beforeEach(() => {
  now_ms = 0;
  sent = [];
  acknowledger = new Acknowledger(
    () => now_ms,
    ({ epoch, received, painted }) => sent.push(`${epoch}: ${received} ${painted}`),
  );
});

const unit = (sequence, more = {}) => ({ epoch: 1, sequence, relaxed: false, ...more });

/** Runs a test with timers that `pass` moves on. */
function timed(name, run) {
  test(name, (context) => {
    context.mock.timers.enable({ apis: ["setTimeout"] });
    run((ms) => {
      now_ms += ms;
      context.mock.timers.tick(ms);
    });
  });
}

describe("acknowledging", () => {
  timed("a unit goes with its paint, at once", (pass) => {
    acknowledger.received(unit(1));
    acknowledger.painted(unit(1), acknowledger.stream, 20);
    assert.deepEqual(sent, ["1: 1 1"]);
    pass(1000);
    assert.equal(sent.length, 1);
  });

  timed("a unit that is not painted soon goes without", (pass) => {
    acknowledger.received(unit(1));
    pass(ACK_DELAY_MS - 1);
    assert.deepEqual(sent, []);
    pass(1);
    assert.deepEqual(sent, ["1: 1 0"]);
  });

  timed("a unit that is not relaxed makes the timer of a relaxed one earlier", (pass) => {
    acknowledger.received(unit(1, { relaxed: true }));
    pass(ACK_DELAY_MS);
    assert.deepEqual(sent, []);
    acknowledger.received(unit(2));
    pass(ACK_DELAY_MS);
    assert.deepEqual(sent, ["1: 2 0"]);
    pass(ACK_RELAXED_MS);
    assert.equal(sent.length, 1);
  });

  timed("what was received of one rendition goes before another begins", (pass) => {
    acknowledger.received(unit(7));
    const { stream } = acknowledger;
    acknowledger.beginStream();
    assert.deepEqual(sent, ["1: 7 0"]);
    acknowledger.received(unit(1));
    acknowledger.painted(unit(7), stream, 20);
    assert.equal(sent.length, 1, "a paint of the old rendition is none of the new one");
    pass(ACK_DELAY_MS);
    assert.deepEqual(sent, ["1: 7 0", "1: 1 0"]);
  });

  timed("nothing of an old connection goes over a new one", (pass) => {
    acknowledger.received(unit(7));
    const { stream } = acknowledger;
    acknowledger.connected();
    acknowledger.painted(unit(7), stream, 20);
    pass(1000);
    assert.deepEqual(sent, []);
  });

  timed("nothing goes after the end", (pass) => {
    acknowledger.received(unit(7));
    acknowledger.stop();
    pass(1000);
    assert.deepEqual(sent, []);
  });
});
