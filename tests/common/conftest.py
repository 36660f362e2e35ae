"""Fixtures for workers: a bus whose runtime directory has a path short enough for sockets."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fanlight_common.process.settings import BusSettings


@pytest.fixture
def bus_settings() -> Iterator[BusSettings]:
    """Settings of a bus of its own."""
    directory = Path(tempfile.mkdtemp(prefix="fl-"))
    yield BusSettings(runtime_dir=directory)
    shutil.rmtree(directory)
