"""Gaps in the numbered input of viewers: nothing is lost on the way unnoticed.

Pure. Owns the last number of each viewer. Drops the viewer not heard of for longest beyond MAX.
"""

MAX_VIEWERS = 1024


class SequenceTracker:
    """Numbers of one viewer grow by one; it begins anew at 1."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}

    def missing(self, viewer: str, sequence: int) -> int:
        """How many messages were lost right before this one."""
        # A viewer first heard of in mid-sequence is no gap: this capture was started later.
        last = self._last.pop(viewer, sequence - 1)
        self._last[viewer] = sequence
        if len(self._last) > MAX_VIEWERS:
            del self._last[next(iter(self._last))]
        return max(0, sequence - last - 1) if sequence > 1 else 0
