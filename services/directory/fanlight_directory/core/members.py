"""Who is alive: heartbeats, farewells and silence turned into joined, changed and left.

Pure. Owns the newest heartbeat of every living process. An id names a place, and an instance names
the process that has it: a newer instance takes the place at once, and what the older one still
sends is dropped.

The state is that of one instance. The table says what an event does to it, and what is reported of
this instance. What is not in the table changes no state and reports nothing.

    state      event          next       effect
    unknown    heartbeat      alive      joined
    unknown    takeover       alive      joined
    alive      change         alive      changed
    alive      contradiction  alive      refused
    alive      farewell       unknown    left farewell
    alive      silence        unknown    left silence
    alive      successor      replaced   left replaced
    replaced   late           contested  contested
    replaced   back           alive      joined
    replaced   forget         unknown    -
    contested  back           alive      joined
    contested  forget         unknown    -

- heartbeat: a heartbeat of it, the first while its id is free, or the same as before.
- takeover: its first heartbeat, while an older instance has the id.
- change: a heartbeat that says something new.
- contradiction: a heartbeat with another kind, host or address, which an instance cannot change.
- silence: nothing was heard of it for the timeout.
- successor: a heartbeat of another instance under the same id.
- late: a heartbeat of it, more than the timeout after it was replaced.
- back: the same, when nobody has the id any more.
- forget: nothing was heard of it for twice the timeout, after it was replaced.

The end of a connection (`suspect`) is in no row, because it changes no state: it makes the time
shorter after which silence counts. A test holds that the code does what the table says.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from fanlight_common.core.errors import ProtocolError
from fanlight_common.protocol import bus
from fanlight_directory.core.effects import Contested, Reason


class MemberState(StrEnum):
    """What is known of one instance."""

    UNKNOWN = "unknown"
    """Nothing was heard of it lately."""
    ALIVE = "alive"
    """It has its id, and has not been silent for too long."""
    REPLACED = "replaced"
    """Another instance took its id. Its last heartbeats may be under way, and are ignored."""
    CONTESTED = "contested"
    """It was replaced and goes on all the same, which was reported: two processes have one id."""


@dataclass(slots=True)
class Member:
    """A living process. Of two members, the one with the larger `order` came later."""

    beat: bus.Heartbeat
    order: int
    heard_at: float


@dataclass(frozen=True, slots=True)
class Change:
    """A member changed.

    `before` is None if it joined. `after` is None if it left, and `reason` is the reason.
    """

    before: bus.Heartbeat | None
    after: bus.Heartbeat | None
    reason: Reason = Reason.ASKED


@dataclass(slots=True)
class _Replaced:
    """An instance that lost its id. It is most likely dead, and its last messages are under way."""

    at: float
    heard_at: float
    told: bool = False


class Members:
    """Every living process, by id."""

    def __init__(self, timeout_s: float, now: float) -> None:
        self._timeout_s = timeout_s
        self._ticked_at = now
        self._members: dict[str, Member] = {}
        self._replaced: dict[tuple[str, str], _Replaced] = {}
        self._arrivals = 0

    def __iter__(self) -> Iterator[Member]:
        return iter(self._members.values())

    def get(self, id_: str) -> Member | None:
        """Return the process of this id, None if none lives."""
        return self._members.get(id_)

    def state(self, id_: str, instance: str) -> MemberState:
        """Return the state of an instance in the table."""
        member = self._members.get(id_)
        if member is not None and member.beat.instance == instance:
            return MemberState.ALIVE
        replaced = self._replaced.get((id_, instance))
        if replaced is None:
            return MemberState.UNKNOWN
        return MemberState.CONTESTED if replaced.told else MemberState.REPLACED

    def heartbeat(self, beat: bus.Heartbeat, now: float) -> list[Change | Contested]:
        """Take in a heartbeat. Returns what changed; nothing if the heartbeat says nothing new.

        Raises ProtocolError, and changes nothing, if it contradicts what the instance said before.
        """
        member = self._members.get(beat.id)
        replaced = self._replaced.get((beat.id, beat.instance))
        if replaced is not None:
            replaced.heard_at = now
            # A last message may arrive late. Whoever goes on sending has its id by mistake.
            speaks_on = now - replaced.at > self._timeout_s
            if member is not None:
                if not speaks_on or replaced.told:
                    return []
                replaced.told = True
                return [Contested("id", beat.id, member.beat.instance, beat.instance)]
            if not speaks_on:
                return []
            del self._replaced[beat.id, beat.instance]
        if member is None:
            self._join(beat, now)
            return [Change(None, beat)]
        if member.beat.instance != beat.instance:
            old = member.beat
            self._replaced[old.id, old.instance] = _Replaced(at=now, heard_at=now)
            self._join(beat, now)
            return [Change(old, None, Reason.REPLACED), Change(None, beat)]
        before = member.beat
        if _identity(before) != _identity(beat):
            raise ProtocolError(f"heartbeat of {beat.id}: one instance, and another identity")
        member.beat, member.heard_at = beat, now
        return [Change(before, beat)] if before != beat else []

    def farewell(self, farewell: bus.Farewell) -> list[Change]:
        """Take in the farewell of a process. That of an older instance changes nothing."""
        member = self._members.get(farewell.id)
        if member is None or member.beat.instance != farewell.instance:
            return []
        del self._members[farewell.id]
        return [Change(member.beat, None, Reason.FAREWELL)]

    def suspect(self, id_: str, instance: str, now: float, patience_s: float) -> None:
        """Note that a connection of it ended: it is dead unless it sends within `patience_s`."""
        member = self._members.get(id_)
        if member is not None and member.beat.instance == instance:
            member.heard_at = min(member.heard_at, now + patience_s - self._timeout_s)

    def due_at(self) -> float:
        """Return when a process will have been silent for too long, unless it sends before."""
        heard_at = min((member.heard_at for member in self._members.values()), default=math.inf)
        return heard_at + self._timeout_s

    def tick(self, now: float) -> list[Change]:
        """Remove each process that has been silent for too long. Returns the changes."""
        away_s, self._ticked_at = now - self._ticked_at, now
        if away_s > self._timeout_s / 2:
            # The directory itself did not run (it was suspended, or starved). What the others sent
            # meanwhile still waits in the inlet, so that time does not count as their silence.
            for member in self._members.values():
                member.heard_at = min(now, member.heard_at + away_s)
        silent = [m for m in self._members.values() if now - m.heard_at > self._timeout_s]
        for member in silent:
            del self._members[member.beat.id]
        for key in [k for k, r in self._replaced.items() if now - r.heard_at > 2 * self._timeout_s]:
            del self._replaced[key]
        return [Change(member.beat, None, Reason.SILENCE) for member in silent]

    def _join(self, beat: bus.Heartbeat, now: float) -> None:
        self._arrivals += 1
        self._members[beat.id] = Member(beat, self._arrivals, now)


def _identity(beat: bus.Heartbeat) -> tuple[str, ...]:
    """Return what an instance cannot change without becoming another instance."""
    return beat.kind, beat.host, beat.outlet, beat.inlet
