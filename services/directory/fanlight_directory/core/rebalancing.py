"""Which running streams move to another encoder, to even out the load or to come to their desk.

Pure. Owns nothing: it looks at encoders and streams for as long as one round takes.
"""

import heapq
from collections.abc import Iterator, Mapping

from fanlight_directory.core.lease_states import StreamLease
from fanlight_directory.core.placement import Choice, Encoder, Rules


class Rebalancing:
    """One round of moves. `hosts`: the host of each known desk, by the desk's name."""

    def __init__(
        self,
        encoders: Mapping[str, Encoder],
        streams: Mapping[str, StreamLease],
        hosts: Mapping[str, str],
        rules: Rules,
        now: float,
    ) -> None:
        self._encoders = encoders
        self._streams = streams
        self._hosts = hosts
        self._rules = rules
        seasoned = [e for e in encoders.values() if now - e.since >= rules.seasoned_s]
        self.choice = Choice(seasoned, rules.locality)
        """The encoders that streams may move to. The caller grants by this choice."""
        self.may_gain_later = len(seasoned) < len(encoders)
        """Whether another round may move more. Encoders that have just come may be a better place
        later, and a round ends at its limit although more moves would pay."""

    def moves(self) -> Iterator[StreamLease]:
        """Yields the streams that gain most, the largest gain first, at most `Rules.moves` of them.

        The caller moves each stream by `choice` before it asks for the next, because each move
        makes others less of a gain.
        """
        margin = self._rules.margin
        gains = [(-gain, lease.name) for lease, gain in self._gains() if gain > margin]
        heapq.heapify(gains)
        moved = 0
        while gains and moved < self._rules.moves:
            lease = self._streams[gains[0][1]]
            gain = self._gain(lease)
            if gain <= margin:
                heapq.heappop(gains)
            elif gain < -gains[0][0]:
                heapq.heapreplace(gains, (-gain, lease.name))
            else:
                heapq.heappop(gains)
                moved += 1
                yield lease
        self.may_gain_later = self.may_gain_later or bool(gains)

    def _gains(self) -> Iterator[tuple[StreamLease, float]]:
        for encoder in self._encoders.values():
            if encoder.beat.capacity > 0:
                for lease in map(self._streams.__getitem__, encoder.streams):
                    if lease.wanted and lease.desk in self._hosts:
                        yield lease, self._gain(lease)

    def _gain(self, lease: StreamLease) -> float:
        """Return by how much another encoder would be better than the holder of this stream."""
        host, holder = self._hosts[lease.desk], self._encoders[lease.holder]
        best = self.choice.best(host)
        if best is None or best is holder:
            return 0.0
        return self.choice.cost(holder, host) - self.choice.cost(best, host, more=1)
