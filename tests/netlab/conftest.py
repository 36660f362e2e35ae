"""The tests of the laboratory use its own fixture."""

from tests.netlab.fixtures import netlab

__all__ = ["netlab"]
