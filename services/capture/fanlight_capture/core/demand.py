"""Which topics of this capture somebody wants: a subscription is demand.

Pure. Owns the set of subscriptions. The outlet reports b"\\x01" + prefix for each new subscription,
and b"\\x00" + prefix only when the last subscriber of a prefix has gone. Drops subscriptions to
other topics than those of this desk.
"""

from collections.abc import Iterable


class Demand:
    """Which of `topics` somebody has subscribed to, by the topic itself or by a prefix of it."""

    def __init__(self, topics: Iterable[bytes]) -> None:
        self.topics = tuple(topics)
        self._prefixes: set[bytes] = set()

    def update(self, message: bytes) -> tuple[bytes, ...]:
        """Take in a report of the outlet. Returns the topics that have a new subscriber."""
        kind, prefix = message[:1], message[1:]
        concerned = tuple(topic for topic in self.topics if topic.startswith(prefix))
        if kind == b"\x00":
            self._prefixes.discard(prefix)
        elif kind == b"\x01" and concerned:
            self._prefixes.add(prefix)
            return concerned
        return ()

    def wants(self, topic: bytes) -> bool:
        """Is anybody subscribed to `topic`?"""
        return any(topic.startswith(prefix) for prefix in self._prefixes)
