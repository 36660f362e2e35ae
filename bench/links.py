"""The links of the table: a rate, a round trip, and a queue of 500 ms. Pure."""

from dataclasses import dataclass

QUEUE_MS = 500.0


@dataclass(frozen=True, slots=True)
class Link:
    """What lies between desk and browser. Without a rate and a round trip they share a machine."""

    rate_mbit: float | None = None
    rtt_ms: float = 0.0

    @property
    def is_local(self) -> bool:
        """Return whether there is no network at all."""
        return self.rate_mbit is None and not self.rtt_ms

    @property
    def conditions(self) -> dict[str, float | None]:
        """Return the link as the network laboratory takes it, for both directions."""
        return {
            "rate_mbit": self.rate_mbit,
            "delay_ms": self.rtt_ms / 2,
            "queue_ms": QUEUE_MS,
        }

    def __str__(self) -> str:
        if self.is_local:
            return "none (local)"
        rate = "no limit" if self.rate_mbit is None else f"{self.rate_mbit:g} Mbit/s"
        return f"{rate}, {self.rtt_ms:g} ms RTT"


def parse(text: str) -> Link:
    """Read `none`, or `RATE/RTT` in Mbit/s and ms, such as 0.5/200. Raises ValueError."""
    if text == "none":
        return Link()
    rate, slash, rtt = text.partition("/")
    if not slash:
        raise ValueError(f"{text!r} is no link; say none or RATE/RTT, for example 0.5/200")
    return Link(float(rate), float(rtt))
