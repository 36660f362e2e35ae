"""Reads network conditions as people write them: 1mbit, 500kbit, 100ms, 2%. Pure.

Each function raises ValueError on anything else.
"""

import re
from collections.abc import Callable
from typing import Any

_MBIT = {"bit": 1e-6, "kbit": 1e-3, "mbit": 1.0, "gbit": 1e3}
_MS = {"us": 1e-3, "ms": 1.0, "s": 1e3}
_SHARE = {"%": 0.01, "": 1.0}


def rate_mbit(text: str) -> float | None:
    """Return Mbit/s; None for "none", which is no limit."""
    return None if text == "none" else _quantity(text, _MBIT, "a rate such as 1mbit or 500kbit")


def time_ms(text: str) -> float:
    """Return milliseconds."""
    return _quantity(text, _MS, "a time such as 100ms or 1.5s")


def share(text: str) -> float:
    """Return a probability, from 0 to 1."""
    return _quantity(text, _SHARE, "a share such as 2% or 0.02")


def yes(text: str) -> bool:
    """Return whether the text is "yes"; it has to be that or "no"."""
    if text not in ("yes", "no"):
        raise ValueError(f"'{text}' is neither yes nor no")
    return text == "yes"


FIELDS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "rate": ("rate_mbit", rate_mbit),
    "delay": ("delay_ms", time_ms),
    "jitter": ("jitter_ms", time_ms),
    "loss": ("loss", share),
    "queue": ("queue_ms", time_ms),
    "cut": ("cut", yes),
}
"""The field of `Conditions` and the function that reads it, by name."""


def _quantity(text: str, scales: dict[str, float], wanted: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d*)?|\.\d+)\s*([a-z%]*)", text.strip().lower())
    if not match or match[2] not in scales:
        raise ValueError(f"'{text}' is not {wanted}")
    return float(match[1]) * scales[match[2]]
