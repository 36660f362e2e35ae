"""web/video/acknowledgements.js in Python, for simulations. test_acks.py holds that both agree.

Times are in milliseconds, as in the browser.
"""

from dataclasses import dataclass

ACK_DELAY_MS = 5.0
ACK_RELAXED_MS = 75.0


@dataclass(frozen=True, slots=True)
class Told:
    """What an acknowledgement says."""

    epoch: int
    received: int
    painted: int


class Acks:
    """The acknowledgements of one viewer."""

    def __init__(self) -> None:
        self.due_ms: float | None = None
        self._told = Told(0, 0, 0)
        self._prompt = 0

    def begin(self) -> Told | None:
        """Begin another stream. Returns what is to be sent before."""
        told = self._take() if self.due_ms is not None else None
        self._forget()
        return told

    def received(self, epoch: int, sequence: int, relaxed: bool, now_ms: float) -> None:
        """Note that a unit has come."""
        if epoch != self._told.epoch:
            self._forget()
        self._told = Told(epoch, sequence, self._told.painted)
        if not relaxed:
            self._prompt = sequence
        self._tell_by(now_ms + (ACK_RELAXED_MS if relaxed else ACK_DELAY_MS))

    def painted(self, epoch: int, sequence: int, now_ms: float) -> Told | None:
        """Note that a unit is on the screen. Returns what is to be sent now."""
        if epoch != self._told.epoch:
            return None
        self._told = Told(epoch, self._told.received, sequence)
        if not self._prompt:
            self._tell_by(now_ms + ACK_RELAXED_MS)
            return None
        if sequence >= self._prompt:
            self._prompt = 0
        return self._take()

    def due(self, now_ms: float) -> Told | None:
        """Return what is to be sent by now."""
        if self.due_ms is None or now_ms < self.due_ms:
            return None
        return self._take()

    def _forget(self) -> None:
        self._told = Told(self._told.epoch, self._told.received, 0)
        self._prompt = 0

    def _tell_by(self, due_ms: float) -> None:
        self.due_ms = due_ms if self.due_ms is None else min(self.due_ms, due_ms)

    def _take(self) -> Told:
        self.due_ms = None
        return self._told
