"""Which units of a stream one decoder can take: from an IDR on, without a gap.

Pure; lives on no thread of its own. Owns the number of the unit that continues the GOP. It is for a
consumer that gives all units to one decoder or one file, a recorder for example, and such a
consumer drops what is not accepted. No service has one yet; the tests of the unit feed do. The
gateway's gates decide this for each viewer themselves (`fanlight_gateway.core.gate` says why). A
test holds the table and the code together:

    state   event                          state after  accepted
    CLOSED  an IDR                         OPEN         yes
    CLOSED  the next delta or patch        CLOSED       no
    CLOSED  any other delta or patch       CLOSED       no
    CLOSED  interrupt                      CLOSED       -
    OPEN    an IDR                         OPEN         yes
    OPEN    the next delta or patch        OPEN         yes
    OPEN    any other delta or patch       CLOSED       no
    OPEN    interrupt                      CLOSED       -

The next delta or patch has the epoch of the unit before it, and the next sequence.
"""


class UnitOrder:
    """Open from an IDR on; a gap in the sequence or another epoch closes it until the next IDR."""

    def __init__(self) -> None:
        self._next: tuple[int, int] | None = None
        """Epoch and sequence of the unit that continues the GOP. None if it is closed."""

    @property
    def wants_idr(self) -> bool:
        """Is it closed, so that only an IDR helps?"""
        return self._next is None

    def accepts(self, epoch: int, sequence: int, *, idr: bool) -> bool:
        """Can the decoder take this unit? Expects the next one from now on, or an IDR."""
        if idr or self._next == (epoch, sequence):
            self._next = (epoch, sequence + 1)
            return True
        self._next = None
        return False

    def interrupt(self) -> None:
        """Accept only an IDR next, because the next unit does not continue the GOP."""
        self._next = None
