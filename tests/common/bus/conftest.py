"""Fixtures of the bus over tcp: its settings, and members that end with the test."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from fanlight_common.bus import curve_keys, network
from fanlight_common.bus.network import BusNetwork
from fanlight_common.process.settings import BusSettings
from tests.common.bus.members import Party
from tests.ports import free_port


@pytest.fixture
def settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> BusSettings:
    """A bus whose members look often whether its keys have changed, and say when they have."""
    monkeypatch.setattr(network, "_LOOK_S", 0.1)
    caplog.set_level("INFO", network.log.name)
    curve_keys.create(tmp_path / "keys")
    return BusSettings(
        runtime_dir=tmp_path,
        bus_directory=f"tcp://127.0.0.1:{free_port(2)}",
        bus_keys=tmp_path / "keys",
    )


@pytest.fixture
async def party() -> AsyncIterator[Callable[[BusSettings, str], BusNetwork]]:
    """Makes running members of a bus, by its settings and their kind."""
    made: list[Party] = []

    def make(settings: BusSettings, kind: str) -> BusNetwork:
        made.append(Party(settings, kind))
        return made[-1].transport

    yield make
    for each in reversed(made):
        await each.close()
