"""Gaps in the numbers of viewers' input messages, so that no message is lost without a count.

Pure. Owns the last number of each viewer. If there are more than MAX_VIEWERS, it drops the viewer
that has been silent for longest.
"""

MAX_VIEWERS = 1024


class SequenceTracker:
    """Keeps the last number of each viewer. Numbers grow by one, and a 1 begins anew."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}

    def missing(self, viewer: str, sequence: int) -> int:
        """Return how many messages were lost right before this one. Keeps its number."""
        # The first message of a viewer shows no gap, whatever its number: capture may have been
        # started after the viewer came.
        last = self._last.pop(viewer, sequence - 1)
        self._last[viewer] = sequence
        if len(self._last) > MAX_VIEWERS:
            del self._last[next(iter(self._last))]
        return max(0, sequence - last - 1) if sequence > 1 else 0
