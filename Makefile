# Each target sets up what it needs first (scripts/setup), which is quick where it is there.
# Arguments go in ARGS: make run ARGS="--desk main=:0"

.PHONY: run test test-bench test-compose test-swarm coverage check bench bench-scale

run:
	@scripts/setup run
	@.venv/bin/fanlight up $(ARGS)

test:
	@scripts/setup test
	@scripts/test $(ARGS)

# The benches in their short form: that they work, not what they measure.
test-bench:
	@scripts/setup test
	@.venv/bin/python -m pytest -q -m bench tests/bench $(ARGS)

# That the tests of the pure modules reach every branch of them.
coverage:
	@scripts/setup test
	@.venv/bin/python scripts/coverage $(ARGS)

test-compose:
	@scripts/setup compose
	@scripts/test-compose $(ARGS)

test-swarm:
	@scripts/setup compose
	@scripts/test-compose tests/compose/test_swarm.py $(ARGS)

check:
	@scripts/setup test
	@scripts/check $(ARGS)

bench:
	@scripts/setup bench
	@scripts/bench $(ARGS)

bench-scale:
	@scripts/setup bench
	@.venv/bin/python -m bench.scale $(ARGS)
