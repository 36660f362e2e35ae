"""The units that are encoded after motion has ended: the same picture again, better each time.

Pure. Two things need them: text, which rate control codes coarsely while it moves, and decoders
that hold a picture until the next comes. They end as soon as nothing gets better.
"""

SETTLED_UNITS = 3
"""So many units in a row at the quality ceiling end it. The first of them still carry sharpness: a
window of text took 13 kB, 29 kB and 331 bytes, and 29 and 24 after that. Also the least after any
motion, for decoders that hold."""


class Refinement:
    """`moved` starts it; then one unit at each `due_at` until that is None.

    `settled_qp`: at this quantiser or below a unit counts as being as good as it gets.
    """

    def __init__(self, units: int, interval_s: float, settled_qp: float) -> None:
        self._units = units
        self._interval_s = interval_s
        self._settled_qp = settled_qp
        self._left = 0
        self._settled = 0
        self._due_at = 0.0

    @property
    def due_at(self) -> float | None:
        """When the next one is to be made; None: the picture is as good as it gets."""
        return self._due_at if self._left else None

    def moved(self, now: float) -> None:
        """A unit with something new, or an IDR (which is coarser than what it replaces)."""
        self._left, self._settled = self._units, 0
        self._due_at = now + self._interval_s

    def made(self, now: float, qp: float | None) -> None:
        """One more was made, at this average quantiser (None: the codec does not tell)."""
        self._left = max(0, self._left - 1)
        self._settled = self._settled + 1 if qp is not None and qp <= self._settled_qp else 0
        if self._settled >= SETTLED_UNITS:
            self._left = 0
        self._due_at = now + self._interval_s
