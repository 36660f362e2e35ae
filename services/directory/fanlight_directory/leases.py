"""Who encodes what: each stream that is asked for is leased to one encoder.

Pure. Owns the leases and their epochs. The rules:

- A stream has at most one live lease, held by a living encoder.
- A lease that moves gets a larger epoch, so that whoever holds the older one is out, whatever it
  believes. An epoch is at least the unix time, so that a directory that starts again from nothing
  does not go backwards.
- A claim by a larger epoch than is known here is right. That is how leases outlive a restart of the
  directory: it first listens for a while (*settling*), and grants nothing itself.
- The last subscription may end and come back (a page reloaded): the lease lasts a grace longer.
"""

from dataclasses import dataclass

from fanlight_common.names import split_stream
from fanlight_common.protocol import bus, topics
from fanlight_directory.checks import MAX_EPOCH
from fanlight_directory.effects import Effect, Leased, Publish, Why

REMIND_S = 1.0
"""An encoder that claims by an old epoch is shown the present lease this often at most."""
FORGET_ENDED_S = 60.0
"""An ended lease's epoch is remembered this long: claims of it may still be on their way."""


@dataclass(slots=True)
class _Encoder:
    beat: bus.Heartbeat
    streams: set[str]

    def fullness(self) -> tuple[float, float, str]:
        """What "least loaded" compares. The load lags behind by a heartbeat, so it comes second."""
        return len(self.streams) / self.beat.capacity, self.beat.load, self.beat.id


@dataclass(slots=True)
class _Stream:
    name: str
    desk: str
    epoch: int = 0
    """The newest that was given, or heard of."""
    holder: str = ""
    record: bus.LeaseRecord | None = None
    """What was published last; None before anything is known."""
    wanted: bool = False
    idle_since: float = 0.0
    """When it was last wanted or held."""
    why: Why = Why.ASKED
    reminded_at: float = float("-inf")


class Leases:
    """Every stream that is asked for or held."""

    def __init__(self, grace_s: float, settled_at: float) -> None:
        self._grace_s = grace_s
        self._settled_at = settled_at
        self._settled = False
        self._streams: dict[str, _Stream] = {}
        self._encoders: dict[str, _Encoder] = {}
        self._desks: set[str] = set()
        self._idle: set[str] = set()
        """Streams that nobody wants: held on for the grace, or only remembered."""
        self._waiting: set[str] = set()
        """Streams that are wanted and have no encoder."""
        self._due: set[str] = set()
        """Those of the waiting whose chances have changed since `reconcile`."""
        self._relieve = False
        """Somebody may want to be relieved of its streams, or somebody can now take them."""

    def __len__(self) -> int:
        return sum(len(encoder.streams) for encoder in self._encoders.values())

    def waiting(self) -> int:
        """How many streams are asked for and have no encoder."""
        return len(self._waiting)

    def want(self, stream: str) -> None:
        """Somebody subscribed."""
        entry = self._entry(stream)
        entry.wanted = True
        self._idle.discard(stream)
        if not entry.holder:
            self._waiting.add(stream)
            self._due.add(stream)

    def unwant(self, stream: str, now: float) -> None:
        """The last subscription ended."""
        entry = self._streams.get(stream)
        if entry is not None and entry.wanted:
            entry.wanted = False
            self._waiting.discard(stream)
            self._due.discard(stream)
            self._rest(entry, now)

    def present(self, stream: str) -> bus.LeaseRecord | None:
        """The present record; None while nothing is known for sure."""
        entry = self._streams.get(stream)
        if entry is None or entry.record is None or entry.record.alive != bool(entry.holder):
            return None
        return entry.record

    def desk_known(self, desk: str) -> None:
        """A desk is there; streams of it that wait may be leased."""
        if desk not in self._desks:
            self._desks.add(desk)
            self._due |= {name for name in self._waiting if self._streams[name].desk == desk}
            self._relieve = True

    def forget_desk(self, desk: str) -> None:
        """A desk has been gone for long."""
        self._desks.discard(desk)

    def encoder_up(self, beat: bus.Heartbeat, now: float) -> list[Effect]:
        """A heartbeat of an encoder: what it claims, and what it has room for."""
        encoder = self._encoders.get(beat.id)
        if encoder is None:
            encoder = self._encoders[beat.id] = _Encoder(beat, set())
            changed = True
        else:
            changed = (encoder.beat.capacity == 0) != (beat.capacity == 0)
            encoder.beat = beat
        if changed:
            self._due |= self._waiting
            self._relieve = True
        effects: list[Effect] = []
        for held in beat.streams:
            effects += self._claim(encoder, held, now)
        return effects

    def encoder_down(self, id_: str, why: Why, now: float) -> list[Effect]:
        """An encoder is gone; what it held is to go to others."""
        encoder = self._encoders.pop(id_, None)
        if encoder is None:
            return []
        effects: list[Effect] = []
        for entry in [self._streams[name] for name in sorted(encoder.streams)]:
            entry.holder = ""
            entry.why = why
            if entry.wanted:
                self._waiting.add(entry.name)
                self._due.add(entry.name)
            else:
                effects += self._end(entry, now)
        return effects

    def tick(self, now: float, unix_s: int) -> list[Effect]:
        """Time passes: settling ends, graces run out."""
        if now < self._settled_at:
            return []
        if not self._settled:
            self._settled = True
            self._due |= self._waiting
            self._relieve = True
        effects: list[Effect] = []
        for entry in [self._streams[name] for name in sorted(self._idle)]:
            idle_s = now - max(entry.idle_since, self._settled_at)
            if entry.holder:
                if idle_s > self._grace_s:
                    self._encoders[entry.holder].streams.discard(entry.name)
                    entry.holder = ""
                    entry.why = Why.UNUSED
                    effects += self._end(entry, now)
            # Once the clock has passed the epoch, forgetting it cannot make it go backwards.
            elif idle_s > FORGET_ENDED_S and unix_s > entry.epoch:
                self._idle.discard(entry.name)
                del self._streams[entry.name]
        return effects

    def reconcile(self, unix_s: int) -> list[Effect]:
        """Give every stream that waits an encoder, if one can be had; relieve the drained.

        To be called after whatever may have changed something: cheap when nothing has.
        """
        if not self._settled:
            return []
        effects: list[Effect] = []
        due, self._due = sorted(self._due), set()
        for name in due:
            effects += self._grant(self._streams[name], unix_s)
        if self._relieve and self._least_loaded() is not None:
            for encoder in [e for e in self._encoders.values() if e.beat.capacity == 0]:
                for entry in [self._streams[name] for name in sorted(encoder.streams)]:
                    if entry.desk in self._desks:
                        entry.why = Why.DRAINED
                        effects += self._grant(entry, unix_s)
        self._relieve = False
        return effects

    def _entry(self, stream: str) -> _Stream:
        entry = self._streams.get(stream)
        if entry is None:
            desk, _ = split_stream(stream)
            entry = self._streams[stream] = _Stream(stream, desk)
        return entry

    def _rest(self, entry: _Stream, now: float) -> None:
        entry.idle_since = now
        self._idle.add(entry.name)

    def _claim(self, encoder: _Encoder, held: bus.HeldStream, now: float) -> list[Effect]:
        entry = self._entry(held.stream)
        beat = encoder.beat
        if held.epoch > entry.epoch:
            if entry.holder:
                self._encoders[entry.holder].streams.discard(entry.name)
            if not entry.wanted:
                # Its subscriptions may not have come back yet after a restart.
                self._rest(entry, now)
            return self._hold(entry, encoder, held.epoch, Why.CLAIMED)
        if held.epoch == entry.epoch and entry.holder == beat.id:
            return []
        if entry.record is None or now - entry.reminded_at < REMIND_S:
            return []
        entry.reminded_at = now
        return [Publish(topics.lease(entry.name), entry.record)]

    def _least_loaded(self) -> _Encoder | None:
        """Over its capacity if all are: a picture that comes late is better than none."""
        able = [e for e in self._encoders.values() if e.beat.capacity > 0]
        return min(able, key=_Encoder.fullness, default=None)

    def _grant(self, entry: _Stream, unix_s: int) -> list[Effect]:
        encoder = self._least_loaded() if entry.desk in self._desks else None
        if encoder is None:
            # "Nobody" is a verdict with a date too: what an older directory gave is over.
            entry.epoch = entry.epoch or unix_s
            return self._publish_dead(entry)
        if entry.holder:
            self._encoders[entry.holder].streams.discard(entry.name)
        epoch = min(max(entry.epoch + 1, unix_s), MAX_EPOCH)
        return self._hold(entry, encoder, epoch, entry.why)

    def _hold(self, entry: _Stream, encoder: _Encoder, epoch: int, why: Why) -> list[Effect]:
        beat = encoder.beat
        encoder.streams.add(entry.name)
        self._waiting.discard(entry.name)
        self._due.discard(entry.name)
        entry.holder = beat.id
        entry.epoch = epoch
        entry.why = Why.ASKED
        entry.record = bus.LeaseRecord(
            stream=entry.name,
            alive=True,
            id=beat.id,
            instance=beat.instance,
            outlet=beat.outlet,
            inlet=beat.inlet,
            epoch=epoch,
        )
        return [
            Leased(entry.name, beat.id, epoch, why),
            Publish(topics.lease(entry.name), entry.record),
        ]

    def _end(self, entry: _Stream, now: float) -> list[Effect]:
        """A lease that nobody wants is over; its epoch is remembered for a while."""
        entry.idle_since = now
        effects = self._publish_dead(entry)
        entry.why = Why.ASKED
        return effects

    def _publish_dead(self, entry: _Stream) -> list[Effect]:
        """The epoch stays, so that not even this record takes the stream's back."""
        if entry.record is not None and not entry.record.alive:
            return []
        lost = entry.record is not None
        entry.record = bus.LeaseRecord(entry.name, False, "", "", "", "", entry.epoch)
        publish = Publish(topics.lease(entry.name), entry.record)
        return [Leased(entry.name, "", entry.epoch, entry.why), publish] if lost else [publish]
