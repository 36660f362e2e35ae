"""Which encoder a stream goes to: how full the encoders are, and which are on its desk's host.

Pure. Owns nothing: it orders encoders for as long as a decision takes. One sum decides, for a new
stream and for one that might move: how full an encoder is, plus `locality` if the encoder is on
another host than the desk, because then every frame crosses the network.
"""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass

from fanlight_common.protocol import bus


@dataclass(frozen=True, slots=True)
class Rules:
    """How streams are spread. An operator sets `locality` and `moves` (see `settings`)."""

    locality: float = 0.5
    """An encoder on another host than the desk counts as fuller by this; 1 is its capacity."""
    margin: float = 0.1
    """A running stream moves only if that makes the sum better by more than this."""
    moves: int = 10
    """At most this many running streams move in a second."""
    seasoned_s: float = 5.0
    """Running streams move only to an encoder that has lived this long, because one that has just
    come may be failing again and again."""


@dataclass(slots=True)
class Encoder:
    """A living encoder, and the streams that are leased to it."""

    beat: bus.Heartbeat
    since: float
    streams: set[str]

    def fullness(self, more: int = 0) -> float:
        """Return how full it would be with `more` further streams; 1 is its capacity."""
        return (len(self.streams) + more) / self.beat.capacity

    def rank(self) -> tuple[float, float, str]:
        """Return what "least loaded" compares. The load comes second: it is a heartbeat old."""
        return self.fullness(), self.beat.load, self.beat.id


class Choice:
    """Encoders that take streams, the least loaded first, in all and on each host.

    It holds for as long as nothing but this choice changes the encoders: the caller reports each
    stream that it gives or takes to `changed`. If all encoders are full, the least full one is the
    best, because a picture that comes late is better than none.
    """

    def __init__(self, encoders: Iterable[Encoder], locality: float) -> None:
        self._encoders = {e.beat.id: e for e in encoders if e.beat.capacity > 0}
        self._locality = locality
        self._all = [encoder.rank() for encoder in self._encoders.values()]
        self._near: dict[str, list[tuple[float, float, str]]] = {}
        for rank in self._all:
            self._near.setdefault(self._encoders[rank[2]].beat.host, []).append(rank)
        for heap in (self._all, *self._near.values()):
            heapq.heapify(heap)

    def best(self, host: str) -> Encoder | None:
        """Return the encoder for a stream of a desk on `host`, None without any encoder."""
        anywhere = self._top(self._all)
        near = self._top(self._near.get(host, []))
        if near is None or anywhere is None:
            return anywhere
        return near if near.fullness() <= anywhere.fullness() + self._locality else anywhere

    def cost(self, encoder: Encoder, host: str, more: int = 0) -> float:
        """Return how bad `encoder` is for a stream of a desk on `host`, with `more` streams."""
        return encoder.fullness(more) + (self._locality if encoder.beat.host != host else 0.0)

    def changed(self, encoder: Encoder) -> None:
        """Note that the encoder holds more streams now, or fewer."""
        if encoder.beat.id in self._encoders:
            heapq.heappush(self._all, encoder.rank())
            heapq.heappush(self._near[encoder.beat.host], encoder.rank())

    def _top(self, heap: list[tuple[float, float, str]]) -> Encoder | None:
        while heap:
            encoder = self._encoders[heap[0][2]]
            if encoder.rank() == heap[0]:
                return encoder
            heapq.heappop(heap)  # This rank is from before a change.
        return None
