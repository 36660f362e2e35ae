"""What the directory's state machine wants done: records to publish, and facts worth a log line.

Pure.
"""

from dataclasses import dataclass
from enum import StrEnum

from fanlight_common.protocol import bus


class Why(StrEnum):
    """Why a process left, and so why its leases moved."""

    SILENCE = "silence"
    FAREWELL = "farewell"
    REPLACED = "replaced"
    """Another incarnation came up under the same id."""
    ASKED = "asked"
    """A stream that had no encoder got one."""
    DRAINED = "drained"
    """The encoder says capacity 0: it hands over what it holds."""
    UNCLAIMED = "unclaimed"
    """The holder lives and does not encode the stream, though it was shown the lease again."""
    EVENED = "evened"
    """Another encoder is better: the load is more even, or the stream's desk is there."""
    CLAIMED = "claimed"
    """An encoder holds it by a lease that is newer than what is known here: after a restart, or
    because there is another directory."""
    UNUSED = "unused"
    """Nobody is subscribed any more."""


@dataclass(frozen=True, slots=True)
class Publish:
    """Send `record` to everybody who is subscribed to `topic`."""

    topic: bytes
    record: bus.StandingRecord


@dataclass(frozen=True, slots=True)
class Joined:
    """A process was heard of for the first time, or again after silence."""

    kind: str
    id: str
    instance: str


@dataclass(frozen=True, slots=True)
class Left:
    """A process is gone."""

    kind: str
    id: str
    instance: str
    why: Why


@dataclass(frozen=True, slots=True)
class Leased:
    """A stream has an encoder, or (`id` empty) has none any more."""

    stream: str
    id: str
    epoch: int
    why: Why


@dataclass(frozen=True, slots=True)
class Contested:
    """Two processes claim one name: somebody configured them alike. Said once."""

    what: str
    name: str
    kept: str
    ignored: str


Effect = Publish | Joined | Left | Leased | Contested
