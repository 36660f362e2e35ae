"""Does the viewer stay with screenshots on a link that swings between good and bad?

    python -m bench.swings [--minutes 10] [--period 20]

It prints one line of JSON with every change of state and its time. The exit status is 1 unless the
viewer switched to screenshots exactly once and never returned to video, because only a person's
click may lead back.
"""

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Sequence
from typing import Any

from bench import browser, links
from bench.age import cell, loads
from bench.processes import module, started
from bench.systems import Fanlight
from tests.netlab.model import Conditions
from tests.netlab.trace import Step

GOOD, BAD = links.Link(20, 30), links.Link(0.5, 300)
POLL_MS = 100


def run(load: str, seconds: float, period: float) -> list[tuple[float, str]]:
    """Return the viewer's states, each with the second at which it began."""
    settings, system = cell.Settings(), Fanlight()
    with contextlib.ExitStack() as stack:
        running = stack.enter_context(system.run(settings.size))
        stack.enter_context(started(module("bench.age.painter", "--display", running.display)))
        stack.enter_context(loads.running(load, running.display))
        viewer = stack.enter_context(browser.viewer(GOOD, running.port))
        page = viewer.open(running.path, settings.size)
        cell.install(page, settings)
        cell.wait_for_clock(page)
        assert viewer.lab is not None
        steps = []
        for link in (GOOD, BAD):
            conditions = Conditions(**link.conditions)
            steps.append(Step(period, conditions, conditions))
        viewer.lab.play(steps)
        states: list[tuple[float, str]] = []
        began = time.monotonic()
        while (now := time.monotonic() - began) < seconds:
            state = system.stats(page).get("state", "?")
            if not states or states[-1][1] != state:
                states.append((round(now, 1), state))
            page.wait_for_timeout(POLL_MS)
        return states


def verdict(states: Sequence[tuple[float, str]]) -> dict[str, Any]:
    """Count fallbacks to screenshots and returns to video. `ok`: they are as they should be."""
    names = [state for _, state in states if state != "?"]
    fallbacks = names.count("locked")
    returns = names[1:].count("video")
    return {"fallbacks": fallbacks, "returns": returns, "ok": fallbacks == 1 and returns == 0}


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--load", choices=loads.NAMES, default="clip")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--period", type=float, default=20.0, help="seconds good, seconds bad")
    arguments = parser.parse_args()
    states = run(arguments.load, 60 * arguments.minutes, arguments.period)
    result = verdict(states)
    about = {"load": arguments.load, "good": str(GOOD), "bad": str(BAD)}
    print(json.dumps({**about, "minutes": arguments.minutes, "states": states, **result}))
    sys.exit(0 if result["ok"] else 1)


if __name__ == "__main__":
    main()
