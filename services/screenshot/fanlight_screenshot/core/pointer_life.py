"""When the events of a desk's pointer are subscribed to.

Pure: time is an argument, in seconds of the process's clock. Owns the endpoint of the desk's
capture, and when somebody last asked for the pointer. Drops nothing.

    state     event         next      effect
    away      request       away      -
    away      moved         idle      -
    idle      request       followed  subscribe
    idle      moved         idle      -
    followed  request       followed  -
    followed  moved         followed  unsubscribe and subscribe
    followed  expire        idle      unsubscribe
    idle      close         away      -
    followed  close         away      unsubscribe

*away*: no capture is known to have the desk. *moved*: the desk has another endpoint than before.
*expire*: nobody has asked for `keep_s`. Two tests hold the table and the code together: one drives
this module, the other `desks.pointer`.
"""


class PointerLife:
    """The pointer of one desk, which is *away* at first."""

    def __init__(self, keep_s: float) -> None:
        self.endpoint = ""
        """Where the events are; "" if the pointer is *away*. Only methods change it."""
        self.is_followed = False
        """Only methods change it."""
        self._keep_s = keep_s
        self._used_at = 0.0

    def requested(self, now: float) -> bool:
        """Note that somebody asks for the pointer. Return whether to subscribe."""
        self._used_at = now
        return bool(self.endpoint) and not self.is_followed

    def subscribed(self) -> None:
        """Note that the events of `endpoint` are subscribed to."""
        self.is_followed = True

    def moved(self, endpoint: str) -> bool:
        """Note another endpoint. Return whether to unsubscribe, and to subscribe there."""
        was_followed = self.is_followed
        self.endpoint, self.is_followed = endpoint, False
        return was_followed

    def expired(self, now: float) -> bool:
        """Return whether to unsubscribe, because nobody has asked for `keep_s`.

        The pointer is not followed any more then.
        """
        is_over = self.is_followed and now - self._used_at >= self._keep_s
        if is_over:
            self.is_followed = False
        return is_over

    def closed(self) -> None:
        """Note that the desk is closed. The caller unsubscribes."""
        self.endpoint, self.is_followed = "", False
