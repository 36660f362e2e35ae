# Each target sets up what it needs first (scripts/setup), which is quick where it is there.
# Arguments go in ARGS: make run ARGS="--desk main=:0"

.PHONY: run test test-compose test-swarm check bench bench-scale

run:
	@scripts/setup run
	@.venv/bin/fanlight up $(ARGS)

test:
	@scripts/setup test
	@scripts/test $(ARGS)

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
