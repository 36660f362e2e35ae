"""Samples for /metrics: what is known of one viewer's video and path at one moment. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PathSample:
    """What `congestion` knows of the path to a viewer."""

    base_rtt_s: float
    inflation_s: float
    target_kbps: float
    window_bytes: float
    in_flight_bytes: int


@dataclass(frozen=True, slots=True)
class ViewerSample:
    """How one viewer's video is now."""

    desk: str
    mode: str
    """The rendition; `screenshots` without video."""
    behind_s: float
    """For how long the viewer has not painted what its stream has."""
    path: PathSample | None
    """None while nothing is known of the path, or no video flows."""
