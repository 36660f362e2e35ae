"""The inlets of captures and encoders that this gateway talks to, shared by those who do.

Several streams may be one encoder's. A socket stays while anybody holds its inlet: one that was
closed under another stream would lose the next message, for a new one has no peer yet.
"""

from collections import Counter

from fanlight_common.process.worker import Teller


class Inlets:
    """Counts who needs which inlet."""

    def __init__(self, teller: Teller) -> None:
        self._teller = teller
        self._holders: Counter[str] = Counter()

    def hold(self, endpoint: str) -> None:
        """Connect, ahead of the first message, which would find nobody otherwise."""
        self._holders[endpoint] += 1
        self._teller.connect(endpoint)

    def release(self, endpoint: str) -> None:
        """Not needed any more, by one of those who held it."""
        self._holders[endpoint] -= 1
        if not self._holders[endpoint]:
            del self._holders[endpoint]
            self._teller.disconnect(endpoint)

    def tell(self, endpoint: str, data: bytes) -> bool:
        """Queue one message; False: nobody takes it now."""
        return self._teller.tell(endpoint, data)


class Hold:
    """One holder's present inlet, or none."""

    def __init__(self, inlets: Inlets) -> None:
        self._inlets = inlets
        self._endpoint = ""

    def move(self, endpoint: str) -> None:
        """Hold this one instead; "" holds none."""
        if endpoint == self._endpoint:
            return
        if endpoint:
            self._inlets.hold(endpoint)
        if self._endpoint:
            self._inlets.release(self._endpoint)
        self._endpoint = endpoint

    def tell(self, data: bytes) -> bool:
        """Queue one message for the inlet that is held; False: nobody takes it now."""
        return bool(self._endpoint) and self._inlets.tell(self._endpoint, data)
