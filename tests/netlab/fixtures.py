"""The fixture `netlab`, for modules that import it."""

import contextlib
import functools
from collections.abc import Callable, Iterator

import pytest

from tests.netlab.lab import Lab, unavailable

__all__ = ["netlab"]


@pytest.fixture
def netlab() -> Iterator[Callable[..., Lab]]:
    """Return a function that opens laboratories: `netlab(rate_mbit=1, delay_ms=100)`.

    They are closed after the test. The test is skipped if the machine cannot have one.
    """
    if reason := _reason():
        pytest.skip(reason)
    with contextlib.ExitStack() as labs:
        yield lambda **options: labs.enter_context(Lab(**options))


_reason = functools.cache(unavailable)
