"""Who wants what of this capture, as its outlet reports it: a subscription is demand.

Pure. Owns the set of subscriptions (b"\\x01" + topic comes, b"\\x00" + topic goes). The outlet is
verbose: each subscription is reported, an unsubscription only when it was the last one. Drops what
concerns no topic of this desk.
"""

from collections.abc import Iterable


class Demand:
    """Which of `topics` somebody is subscribed to, by themselves or by a prefix of them."""

    def __init__(self, topics: Iterable[bytes]) -> None:
        self.topics = tuple(topics)
        self._prefixes: set[bytes] = set()

    def update(self, message: bytes) -> tuple[bytes, ...]:
        """Take in what the outlet reported; returns the topics that have a new subscriber."""
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
