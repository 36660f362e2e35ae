"""The desk's life: its display is lost, away and back, and the service ends at any moment."""

import asyncio
from pathlib import Path

import pytest

from fanlight_capture.core.pattern import PatternMode
from fanlight_capture.pattern.source import PatternSource
from fanlight_capture.service import CaptureService
from fanlight_capture.settings import CaptureSettings
from fanlight_capture.source import Listener
from fanlight_common.bus.sockets import SocketRole
from fanlight_common.core.errors import ConfigurationError, SourceLostError
from fanlight_common.process.settings import BusSettings
from fanlight_common.service.worker import Worker
from tests.capture.conftest import Capture, until


class Displays:
    """Opens sources. Each call raises the next of `outcomes`; after these all calls succeed."""

    def __init__(self, *outcomes: Exception) -> None:
        self.outcomes = list(outcomes)
        self.opened: list[PatternSource] = []
        self.tried = 0

    async def __call__(self, listener: Listener, settings: CaptureSettings) -> PatternSource:
        self.tried += 1
        if self.outcomes:
            raise self.outcomes.pop(0)
        self.opened.append(PatternSource(listener, PatternMode(320, 240, 0)))
        return self.opened[-1]


def service(runtime_dir: Path, displays: Displays) -> tuple[Worker, CaptureService]:
    worker = Worker(
        "capture", BusSettings(runtime_dir=runtime_dir, id="c"), SocketRole.CAPTURE_OUTLET
    )
    return worker, CaptureService(worker, CaptureSettings(), displays)


async def ended(task: asyncio.Task[None]) -> None:
    """Wait until a task that was cancelled has ended by that."""
    done, _ = await asyncio.wait({task}, timeout=2)
    assert done, "still running"
    assert task.cancelled()


@pytest.mark.parametrize("turns", range(12))
async def test_it_ends_when_cancelled_while_the_display_goes(runtime_dir: Path, turns: int) -> None:
    displays = Displays()
    worker, capture = service(runtime_dir, displays)
    task = asyncio.create_task(worker.serve(lambda _: capture.run()))
    await until(lambda: worker.offer.desks[0].width)
    capture.lost(SourceLostError("gone"))
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await ended(task)


async def test_attempts_go_on_until_the_display_is_there(
    runtime_dir: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("fanlight_capture.core.display_life.RETRY_FIRST_S", 0.001)
    displays = Displays(*(SourceLostError("not yet") for _ in range(4)))
    worker, capture = service(runtime_dir, displays)
    task = asyncio.create_task(worker.serve(lambda _: capture.run()))
    await until(lambda: worker.offer.desks[0].width)
    assert displays.tried == 5
    assert caplog.text.count("event=away") == 1
    # A loss that is told twice is one loss.
    capture.lost(SourceLostError("gone"))
    capture.lost(SourceLostError("gone"))
    await until(lambda: len(displays.opened) == 2)
    task.cancel()
    await ended(task)
    assert worker.offer.desks[0].width == 0


async def test_a_display_that_cannot_be_used_ends_the_process(runtime_dir: Path) -> None:
    worker, capture = service(runtime_dir, Displays(ConfigurationError("depth 8")))
    with pytest.raises(ExceptionGroup) as raised:
        await worker.serve(lambda _: capture.run())
    assert raised.group_contains(ConfigurationError, match="depth 8")


async def test_no_display_no_input_no_pictures(runtime_dir: Path) -> None:
    displays = Displays(SourceLostError("not yet"))
    worker, capture = service(runtime_dir, displays)
    task = asyncio.create_task(worker.serve(lambda _: capture.run()))
    await until(lambda: displays.tried == 1)
    bench = Capture(worker, capture, "main")
    capture.damaged()
    capture.resized()
    feed = bench.frames()
    assert (await feed.next()).width == 320
    bench.close()
    task.cancel()
    await ended(task)
