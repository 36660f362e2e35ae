"""Gives the laboratory's tests its own fixture."""

from tests.netlab.fixtures import netlab

__all__ = ["netlab"]
