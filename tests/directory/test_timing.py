"""The settings of the bus decide how patient a directory is."""

import pytest

from fanlight_common.process.settings import BusSettings
from fanlight_directory.service import _timing


@pytest.mark.parametrize(
    ("directory", "timeout_s", "settle_s", "suspect_s"),
    [
        ("", 1.0, 1.0, 0.35),
        ("tcp://directory:7400", 1.0, 2.0, 0.35),
        ("", 4.0, 2.0, 1.1),
        ("", 60.0, 2.0, 1.1),
    ],
)
def test_it_settles_longer_on_a_network_and_with_slow_heartbeats(
    directory: str, timeout_s: float, settle_s: float, suspect_s: float
) -> None:
    settings = BusSettings(bus_directory=directory, heartbeat_timeout_s=timeout_s)
    timing = _timing(settings, 2.0)
    assert (timing.timeout_s, timing.settle_s) == (timeout_s, settle_s)
    assert timing.suspect_s == pytest.approx(suspect_s)
