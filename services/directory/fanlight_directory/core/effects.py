"""What the directory's state machine has its shell do: publish records, and log facts.

Pure: descriptions only, which nothing changes.
"""

from dataclasses import dataclass
from enum import StrEnum

from fanlight_common.protocol import bus


class Reason(StrEnum):
    """Why a process left, or why a lease moved."""

    SILENCE = "silence"
    FAREWELL = "farewell"
    REPLACED = "replaced"
    """Another instance came up under the same id."""
    ASKED = "asked"
    """A stream that had no encoder got one."""
    DRAINED = "drained"
    """The encoder reports capacity 0, which means that it hands over its streams."""
    UNCLAIMED = "unclaimed"
    """The holder lives, but does not claim the stream although it was shown the lease again."""
    EVENED = "evened"
    """Another encoder is better: it has less load, or it is on the host of the stream's desk."""
    CLAIMED = "claimed"
    """An encoder claims it by a lease that is newer than the one known here. This directory has
    just restarted, or there is another one."""
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
    reason: Reason


@dataclass(frozen=True, slots=True)
class Leased:
    """A stream has an encoder now, or it has none any more (`id` is empty)."""

    stream: str
    id: str
    epoch: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class Contested:
    """Two processes claim one name, because somebody configured them alike. Reported once."""

    what: str
    name: str
    kept: str
    ignored: str


Effect = Publish | Joined | Left | Leased | Contested
