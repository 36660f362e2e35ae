"""The loads really move, and as fast as they say."""

import random
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from itertools import islice

import pytest
import xcffib
import xcffib.damage
import xcffib.xfixes

from bench.age import clip, loads, pacing, rects
from bench.processes import module, process_name, started, x_server


@pytest.fixture
def display() -> Iterator[str]:
    """An X server."""
    with x_server("1280x720") as (name, _):
        yield name


def damaged(display: str, seconds: float, enough: int = 1_000_000) -> Counter[tuple[int, int]]:
    """Number of damage events by size: those of so many seconds, or until there are enough."""
    connection = xcffib.connect(display=display)
    xfixes, damage = connection(xcffib.xfixes.key), connection(xcffib.damage.key)
    xfixes.QueryVersion(5, 0).reply()
    damage.QueryVersion(1, 1).reply()
    root = connection.get_setup().roots[0].root
    damage.Create(connection.generate_id(), root, xcffib.damage.ReportLevel.RawRectangles)
    connection.flush()
    sizes: Counter[tuple[int, int]] = Counter()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and sizes.total() < enough:
        event = connection.poll_for_event()
        if isinstance(event, xcffib.damage.NotifyEvent):
            sizes[event.area.width, event.area.height] += 1
        elif event is None:
            time.sleep(0.002)
    connection.disconnect()
    return sizes


@pytest.mark.x11
def test_a_clip_shows_each_of_its_pictures(display: str) -> None:
    command = module("bench.age.clip", "--display", display, "--size", "320x180", "--seconds", "1")
    with started(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        # 60 are due; the machine may be busy.
        assert 30 <= damaged(display, 2.0)[320, 180] <= 62


@pytest.mark.x11
@pytest.mark.parametrize("name", ["type", "rects"])
def test_a_load_draws(display: str, name: str) -> None:
    with loads.running(name, display):
        assert damaged(display, 20.0, enough=20).total() == 20


def test_an_unknown_load() -> None:
    with pytest.raises(KeyError), loads.running("nothing", ":0"):
        pass


def test_to_and_fro() -> None:
    assert list(islice(clip.to_and_fro(4), 9)) == [0, 1, 2, 3, 2, 1, 0, 1, 2]


def test_rectangles_lie_within_the_window() -> None:
    rng = random.Random(2)
    for _ in range(1000):
        left, top, width, height = rects.rectangle(rng)
        assert left >= 0
        assert top >= 0
        assert left + width <= rects.WIDTH
        assert top + height <= rects.HEIGHT


class Clock:
    """The time of `pacing`: it passes while `pacing` sleeps, and when a test says so."""

    now_s = 0.0

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


def test_ticks_that_are_missed_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(pacing, "time", clock)
    ticks = pacing.ticks(100.0)
    assert [next(ticks) for _ in range(3)] == [0, 1, 2]
    clock.now_s += 0.105
    assert [next(ticks) for _ in range(3)] == [12, 13, 14]


def test_names_of_processes() -> None:
    assert process_name(["/usr/bin/python3", "-m", "fanlight_encoder", ""]) == "encoder"
    assert process_name(["/usr/bin/python3", "/usr/bin/websockify", "--web"]) == "websockify"
    assert process_name(["Xtigervnc", "-rfbport", "1"]) == "Xtigervnc"
    assert process_name([""]) == "?"
