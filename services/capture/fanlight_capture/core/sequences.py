"""Gaps in the numbers of viewers' input messages, so that no message is lost without a count.

Pure. Owns the last number of each viewer. Drops the viewer that was not heard of for longest when
there are more than MAX_VIEWERS.
"""

MAX_VIEWERS = 1024


class SequenceTracker:
    """The numbers of one viewer grow by one; a 1 begins anew."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}

    def missing(self, viewer: str, sequence: int) -> int:
        """Returns how many messages were lost right before this one, and keeps its number."""
        # The first message of a viewer shows no gap, whatever its number: capture may have been
        # started after the viewer came.
        last = self._last.pop(viewer, sequence - 1)
        self._last[viewer] = sequence
        if len(self._last) > MAX_VIEWERS:
            del self._last[next(iter(self._last))]
        return max(0, sequence - last - 1) if sequence > 1 else 0
