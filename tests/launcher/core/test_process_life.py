"""The table of `process_life` and its code agree. No process is started."""

import pytest

from fanlight_common.core.errors import MISCONFIGURED
from fanlight_launcher.core import process_life
from fanlight_launcher.core.process_life import ProcessLife
from fanlight_launcher.core.process_spec import Phase, ProcessSpec, always
from fanlight_launcher.core.restarts import LIMIT, REST_S, WINDOW_S
from tests.tables import table

TABLE = {(state, event): after for state, event, after, _ in table(process_life.__doc__, 4)}
FAULT = 3
NOW = 100.0


class Bench:
    """One process that needs another."""

    def __init__(self, *, once: bool = False, essential: bool = True) -> None:
        spec = ProcessSpec(
            "one", always("true"), {}, needs="needed", once=once, essential=essential
        )
        self.life = ProcessLife(spec)

    def bring(self, state: str) -> None:
        """Bring the process into a phase, from nothing."""
        events = {
            "-": [],
            "waiting": ["added_early"],
            "starting": ["added"],
            "running": ["added", "ready"],
            "restarting": ["added", "ready", "died"],
            "done": ["added", "ready", "completed"],
            "failed": ["added", "ready", "misconfigured"],
        }
        for event in events[state]:
            self.happens(event)
        if state != "-":
            assert self.life.phase == state

    def happens(self, event: str) -> None:
        match event:
            case "added" | "needed_up" | "pause_over":
                assert self.life.starts(needed_runs=True)
            case "added_early":
                assert not self.life.starts(needed_runs=False)
            case "ready":
                self.life.ready()
            case "died":
                self.ends(FAULT)
            case "died_again":
                for _ in range(LIMIT):
                    self.ends(FAULT)
            case "misconfigured":
                self.ends(MISCONFIGURED)
            case "completed":
                assert self.life.completed(0)
            case "needed_died":
                self.life.needed_died()
            case "stop":
                self.life.stopped()
            case _:
                pytest.fail(f"unknown event {event}")

    def ends(self, status: int) -> process_life.Death:
        assert not self.life.completed(status)
        return self.life.died("ended", status, NOW)


@pytest.mark.parametrize(("state", "event"), TABLE)
def test_the_code_does_what_the_table_says(state: str, event: str) -> None:
    bench = Bench(once="done" in (state, TABLE[state, event]))
    bench.bring(state)
    bench.happens(event)
    assert bench.life.phase == TABLE[state, event]


def test_an_end_with_status_0_is_a_fault_of_a_process_that_is_to_go_on() -> None:
    bench = Bench()
    bench.bring("running")
    assert bench.ends(0) == ("ended", 0.0)
    assert bench.life.phase is Phase.RESTARTING


def test_why_a_process_is_given_up() -> None:
    bench = Bench()
    pauses = [bench.ends(FAULT).pause_s for _ in range(LIMIT - 1)]
    assert pauses == sorted(pauses)
    assert bench.ends(FAULT).detail == f"ended; {LIMIT} deaths within {WINDOW_S:g} s"
    assert "settings are wrong" in Bench().ends(MISCONFIGURED).detail


@pytest.mark.parametrize("status", [FAULT, MISCONFIGURED])
def test_a_process_that_is_not_essential_never_fails(status: int) -> None:
    bench = Bench(essential=False)
    deaths = [bench.ends(status) for _ in range(2 * LIMIT)]
    assert bench.life.phase is Phase.RESTARTING
    assert deaths[-1] == (f"ended; again in {REST_S:g} s", REST_S)
