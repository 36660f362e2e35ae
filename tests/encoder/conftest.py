"""Fixtures of the encoder's tests."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from fanlight_common.process.settings import BusSettings
from tests.encoder.fakes import Bench


@pytest.fixture
def bus_settings() -> Iterator[BusSettings]:
    """Settings of a bus of its own, in a directory whose name is short enough for sockets."""
    directory = Path(tempfile.mkdtemp(prefix="fl-"))
    yield BusSettings(runtime_dir=directory, id="enc")
    shutil.rmtree(directory)


@pytest.fixture
async def bench(bus_settings: BusSettings) -> AsyncIterator[Bench]:
    """A directory and a capture, and no encoder yet."""
    bench = Bench(bus_settings)
    yield bench
    await bench.close()
