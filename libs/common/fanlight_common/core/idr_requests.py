"""When a stream's encoder is asked for an IDR: one for all viewers that wait for one. Pure."""


class IdrPolicy:
    """One stream's. Times are in milliseconds.

    Asked once, and again only if no IDR came within `retry_ms`. After one came, not before
    `interval_ms` have passed since the last request: IDRs are large, and all viewers pay for one
    that a single slow viewer wants.
    """

    def __init__(self, retry_ms: float, interval_ms: float) -> None:
        self._retry_ms = retry_ms
        self._interval_ms = interval_ms
        self._asked_ms = float("-inf")
        self._pending = False

    def poll(self, wanted: bool, now_ms: float) -> bool:
        """Ask now? `wanted`: some viewer with room waits for an IDR."""
        if not wanted:
            return False
        if now_ms - self._asked_ms < (self._retry_ms if self._pending else self._interval_ms):
            return False
        self._asked_ms = now_ms
        self._pending = True
        return True

    def came(self) -> None:
        """An IDR arrived."""
        self._pending = False

    def reset(self) -> None:
        """The encoder has not been asked: it is another one, or the request did not reach it."""
        self._asked_ms = float("-inf")
        self._pending = False
