"""One real child process: its start, its output and its end."""

import os
import signal
import sys

import pytest

from fanlight_launcher.processes.process import Process

pytestmark = pytest.mark.processes


async def test_ending_what_has_ended_is_harmless() -> None:
    process = await Process.start([sys.executable, "-c", ""], os.environ, lambda _: None)
    assert await process.wait() == 0
    await process.stop()
    await process.stop()
    process.signal(signal.SIGTERM)
