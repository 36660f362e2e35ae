"""The fixture `netlab`, for any conftest that imports it."""

import contextlib
import functools
from collections.abc import Callable, Iterator

import pytest

from tests.netlab.lab import Lab, unavailable

__all__ = ["netlab"]


@pytest.fixture
def netlab() -> Iterator[Callable[..., Lab]]:
    """Opens laboratories, `netlab(rate_mbit=1, delay_ms=100)`, and closes them with the test.

    Skips the test where the machine cannot have one.
    """
    if reason := _reason():
        pytest.skip(reason)
    with contextlib.ExitStack() as labs:
        yield lambda **options: labs.enter_context(Lab(**options))


_reason = functools.cache(unavailable)
