// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { DeltaChain } from "../../../services/gateway/fanlight_gateway/web/screenshots/delta-chain.js";
import { Throughput } from "../../../services/gateway/fanlight_gateway/web/screenshots/throughput.js";

/** @param {string} tag @param {string | null} base */
const link = (tag, base) => ({ tag, base, content: tag });

test("answers are painted in the order in which they build on one another", () => {
  const chain = new DeltaChain();
  assert.deepEqual(chain.take(link("a", null)), ["a"]);
  assert.deepEqual(chain.take(link("d", "c")), []);
  assert.deepEqual(chain.take(link("c", "b")), []);
  assert.equal(chain.waiting, 2);
  assert.deepEqual(chain.take(link("b", "a")), ["b", "c", "d"]);
  assert.equal(chain.tag, "d");
  assert.equal(chain.waiting, 0);
});

test("a whole picture goes onto anything", () => {
  const chain = new DeltaChain();
  chain.take(link("a", null));
  assert.deepEqual(chain.take(link("x", null)), ["x"]);
  assert.deepEqual(chain.take(link("b", "a")), []);
});

test("too many that wait mean that one was lost", () => {
  const chain = new DeltaChain();
  chain.take(link("a", null));
  for (let at = 0; at < 8; at++) assert.deepEqual(chain.take(link(`n${at}`, `m${at}`)), []);
  assert.equal(chain.take(link("o", "n")), null);
  chain.reset();
  assert.equal(chain.tag, null);
  assert.equal(chain.waiting, 0);
});

test("what the link carries is seen from answers of some size", () => {
  const throughput = new Throughput();
  throughput.measured(500, 1);
  assert.equal(throughput.rate, 0);
  throughput.failed();
  assert.equal(throughput.rate, 0);
  throughput.measured(10_000, 100);
  assert.equal(throughput.rate, 100_000);
  throughput.measured(10_000, 200);
  assert.equal(throughput.rate, 85_000);
  throughput.failed();
  assert.equal(throughput.rate, 42_500);
  throughput.measured(10_000, -50);
  assert.ok(throughput.rate > 42_500 && throughput.rate < 2_000_000);
});
