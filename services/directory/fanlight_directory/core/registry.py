"""The directory's state machine: messages go in, effects (what the shell has to do) come out.

Pure. Composes `members` (who is alive), `desk_records` (where a desk is) and `leases` (who encodes
it). Owns the present record of every topic, which is the answer to a subscription. `now` is the
monotonic clock in seconds, `unix_s` the wall clock, of which only epochs are made. State is soft: a
new registry learns all of it from heartbeats and from the subscriptions that ZeroMQ repeats.
"""

from collections import Counter
from dataclasses import dataclass
from itertools import takewhile

from fanlight_common.protocol import bus, topics
from fanlight_directory.core.checks import check_heartbeat
from fanlight_directory.core.desk_records import DeskRecords
from fanlight_directory.core.effects import Contested, Effect, Joined, Left, Publish
from fanlight_directory.core.leases import Leases
from fanlight_directory.core.members import Change, Members
from fanlight_directory.core.placement import Rules
from fanlight_directory.core.subscriptions import asked_stream, is_prefix_of_topics, presence_of

ENCODER = "encoder"
ANSWER_AGAIN_S = 0.25
"""A prefix is answered at most once in this time, because an answer goes to everybody who is
subscribed, and when a directory comes back everybody subscribes at once."""


GRACE_S = 2.0
"""A lease outlives its last subscription by this time, because a page may be reloaded."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How patient the directory is, in seconds."""

    timeout_s: float = 1.0
    """A process that is silent for this time is dead (`BusSettings.heartbeat_timeout_s`)."""
    settle_s: float = 1.0
    """A directory that has just started listens for this time to what encoders hold, before it
    grants leases itself."""
    grace_s: float = GRACE_S
    forget_s: float = 3600.0
    """A desk or process that is gone is still published for this time to those who ask."""
    suspect_s: float = 0.35
    """A process whose connection ended is dead unless it is heard of within this time."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What there is now, for the metrics."""

    services: dict[str, int]
    desks: int
    leases: int
    waiting: int


class Registry:
    """Everything the directory knows."""

    def __init__(self, timing: Timing, now: float, rules: Rules | None = None) -> None:
        self._timing = timing
        self._members = Members(timing.timeout_s, now)
        self._desks = DeskRecords()
        self._leases = Leases(timing.grace_s, now + timing.settle_s, rules or Rules())
        self._present: dict[bytes, bus.StandingRecord] = {}
        self._gone_at: dict[bytes, float] = {}
        """When each record of something that is gone was published, the oldest first."""
        self._answered: dict[bytes, float] = {}
        """When each prefix was answered, if that was less than ANSWER_AGAIN_S ago."""
        self._asked: set[bytes] = set()
        """Prefixes that are to be answered again."""

    def heartbeat(self, beat: bus.Heartbeat, now: float, unix_s: int) -> list[Effect]:
        """Take in a heartbeat. Raises ProtocolError, and changes nothing, if it cannot be true."""
        known = self._members.get(beat.id)
        if known is None or known.beat is not beat:
            check_heartbeat(beat)
        elif beat.kind != ENCODER:
            # The process repeats its last heartbeat, which was checked when it first came.
            known.heard_at = now
            return []
        effects: list[Effect] = []
        for change in self._members.heartbeat(beat, now):
            if isinstance(change, Contested):
                effects.append(change)
            else:
                effects += self._changed(change, now)
        member = self._members.get(beat.id)
        # An encoder's claims are looked at each time: a wrong claim is answered until it is gone.
        if beat.kind == ENCODER and member is not None and member.beat is beat:
            effects += self._leases.encoder_up(beat, now)
        return self._done(effects, now, unix_s)

    def farewell(self, farewell: bus.Farewell, now: float, unix_s: int) -> list[Effect]:
        """Take in the farewell of a process that ends."""
        effects: list[Effect] = []
        for change in self._members.farewell(farewell):
            effects += self._changed(change, now)
        return self._done(effects, now, unix_s)

    def subscribed(self, topic: bytes, now: float, unix_s: int) -> list[Effect]:
        """Answer a subscription with the present record. That to a lease asks for its stream, too.

        Raises ProtocolError if `topic` is not a topic of the directory.
        """
        stream = asked_stream(topic)
        if stream is None:
            if is_prefix_of_topics(topic):
                return self._answer(topic, now)
            present = self._present.get(topic)
            return [] if present is None else [Publish(topic, present)]
        self._leases.want(stream)
        effects = self._done([], now, unix_s)
        record = self._leases.present(stream)
        if record is not None and not any(
            isinstance(effect, Publish) and effect.record is record for effect in effects
        ):
            effects.append(Publish(topic, record))
        return effects

    def unsubscribed(self, topic: bytes, now: float) -> None:
        """Note that nobody is subscribed to `topic` any more. Raises what `subscribed` raises."""
        stream = asked_stream(topic)
        if stream is not None:
            self._leases.unwant(stream, now)
            return
        gone = presence_of(topic)
        if gone is not None:
            self._members.suspect(*gone, now, self._timing.suspect_s)

    def due_at(self) -> float:
        """Return when `tick` will have something to do, unless another call changes that."""
        answers = [at + ANSWER_AGAIN_S for at in self._answered.values()] if self._asked else []
        return min(self._members.due_at(), self._leases.due_at(), *answers)

    def tick(self, now: float, unix_s: int) -> list[Effect]:
        """Do what is due. Call it at `due_at`, and several times within the timeout."""
        effects: list[Effect] = []
        for change in self._members.tick(now):
            effects += self._changed(change, now)
        effects += self._leases.tick(now, unix_s)
        effects += self._leases.even_out(now, unix_s)
        self._forget(now)
        effects = self._done(effects, now, unix_s)
        self._answered = {t: at for t, at in self._answered.items() if now - at < ANSWER_AGAIN_S}
        for topic in sorted(self._asked - self._answered.keys()):
            self._asked.discard(topic)
            effects += self._answer(topic, now)
        return effects

    def counts(self) -> Counts:
        """Return how much there is of each."""
        services = Counter(member.beat.kind for member in self._members)
        desks = sum(record.alive for record in self._desks.records.values())
        return Counts(dict(services), desks, len(self._leases), self._leases.waiting())

    def _answer(self, prefix: bytes, now: float) -> list[Effect]:
        if prefix in self._answered:
            self._asked.add(prefix)
            return []
        known = [Publish(t, record) for t, record in self._present.items() if t.startswith(prefix)]
        if known:
            self._answered[prefix] = now
        return [*known]

    def _changed(self, change: Change, now: float) -> list[Effect]:
        before, after = change.before, change.after
        effects: list[Effect] = []
        if after is None:
            assert before is not None
            effects.append(Left(before.kind, before.id, before.instance, change.reason))
            effects.append(_service(before, alive=False))
            effects += self._desks.withdrawn(before.id)
            effects += self._leases.encoder_down(before.id, change.reason, now)
            return effects
        if before is None:
            effects.append(Joined(after.kind, after.id, after.instance))
        # The rest of the record is what an instance cannot change.
        if before is None or before.http != after.http:
            effects.append(_service(after, alive=True))
        if before is None or before.desks != after.desks:
            member = self._members.get(after.id)
            assert member is not None
            effects += self._desks.offered(after, member.order)
            for desk in after.desks:
                self._leases.desk_known(desk.name, self._desks.records[desk.name].host)
        return effects

    def _done(self, effects: list[Effect], now: float, unix_s: int) -> list[Effect]:
        """Reconcile the leases, and keep the last record of each topic as the present one.

        Returns the effects, of each topic the last record only. So nobody sees a capture that was
        started again go away first.
        """
        effects = effects + self._leases.reconcile(now, unix_s)
        last = {effect.topic: effect for effect in effects if isinstance(effect, Publish)}
        for topic, publish in last.items():
            self._present[topic] = publish.record
            if publish.record.alive:
                self._gone_at.pop(topic, None)
            else:
                self._gone_at.setdefault(topic, now)
        return [e for e in effects if not isinstance(e, Publish) or last[e.topic] is e]

    def _forget(self, now: float) -> None:
        """Delete what has been gone for long. Otherwise names would pile up for ever."""
        forgotten = now - self._timing.forget_s
        for topic in list(takewhile(lambda t: self._gone_at[t] < forgotten, self._gone_at)):
            del self._gone_at[topic]
            record = self._present.pop(topic)
            if isinstance(record, bus.DeskRecord):
                self._desks.forget(record.desk)
                self._leases.forget_desk(record.desk)


def _service(beat: bus.Heartbeat, alive: bool) -> Publish:
    record = bus.ServiceRecord(
        kind=beat.kind,
        id=beat.id,
        alive=alive,
        instance=beat.instance,
        host=beat.host,
        http=beat.http if alive else "",
    )
    return Publish(topics.service(beat.kind, beat.id), record)
