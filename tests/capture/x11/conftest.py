"""Fixtures of the tests that draw on a real X server."""

from collections.abc import Iterator

import pytest

from tests.capture.conftest import XServer
from tests.capture.x11.painting import Painter


@pytest.fixture
def painter(xserver: XServer) -> Iterator[Painter]:
    made = Painter(xserver)
    yield made
    made.close()
