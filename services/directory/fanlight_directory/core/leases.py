"""Who encodes what: each stream that is asked for is leased to one encoder.

Pure. Owns the leases and their epochs. `lease_states` has a table of the states of a lease, of the
events that change them and of what is published. The rules:

- A stream has at most one live lease, held by a living encoder.
- A lease that moves gets a larger epoch, so that the encoder with the older one is out, whatever
  that encoder believes. An epoch is at least the unix time, so that a directory that starts again
  from nothing does not go backwards.
- A claim by a larger epoch than is known here is right. That is how leases outlive a restart of the
  directory, which first listens for a while (*settling*) and grants nothing itself.
- A holder that is relieved, and lives, goes on until the first IDR of its successor is there (see
  `LeaseRecord.handover_from`); a holder that is lost is out at once.
- If two encoders hold one epoch, there are two directories. In both of them the encoder with the
  larger id is right, and gets an epoch of its own.
- An encoder that claims a stream that it does not hold, or does not claim one that it holds, is
  shown the lease again, because a published record can be lost. If that does not help, the holder
  may listen to another directory, or gateways may refuse its epoch. The lease then moves, which
  helps in both cases, because another encoder gets it with a larger epoch.
- The last subscription may end and come back, because a page is reloaded. So the lease lasts a
  grace longer.
- A running stream moves if that evens out the load, or brings the stream to its desk's host
  (`rebalancing`, `placement`). A few streams move in a second.
"""

import math

from fanlight_common.core.names import split_stream
from fanlight_common.protocol import bus, topics
from fanlight_directory.core.checks import MAX_EPOCH
from fanlight_directory.core.effects import Effect, Leased, Publish, Reason
from fanlight_directory.core.lease_states import StreamLease
from fanlight_directory.core.placement import Choice, Encoder, Rules
from fanlight_directory.core.rebalancing import Rebalancing

REMIND_S = 1.0
"""An encoder whose claims are wrong is shown the present lease this often at most."""
FORGET_ENDED_S = 60.0
"""The epoch of an ended lease is remembered this long, because claims of it may be under way."""
UNCLAIMED_S = 5.0
"""A lease that its holder does not claim for this time goes to another."""
_EVEN_OUT_S = 1.0


class Leases:
    """Every stream that is asked for or held."""

    def __init__(self, grace_s: float, settled_at: float, rules: Rules) -> None:
        self._rules = rules
        self._grace_s = grace_s
        self._settled_at = settled_at
        self._settled = False
        self._streams: dict[str, StreamLease] = {}
        self._encoders: dict[str, Encoder] = {}
        self._desks: dict[str, str] = {}
        """The host of each desk."""
        self._idle: set[str] = set()
        """Streams that nobody wants: leased for the grace, or ended with their epoch remembered."""
        self._waiting: set[str] = set()
        """Streams that are wanted and have no encoder."""
        self._due: set[str] = set()
        """Those of the waiting streams that may get an encoder now, since the last `reconcile`."""
        self._relieve = False
        """An encoder may have to be relieved of its streams, or an encoder can take them now."""
        self._unclaimed: set[str] = set()
        """Streams whose holder has not claimed them for UNCLAIMED_S."""
        self._uneven = False
        """A running stream may be better off at another encoder now."""
        self._evened_at = settled_at

    def __len__(self) -> int:
        return sum(len(encoder.streams) for encoder in self._encoders.values())

    def waiting(self) -> int:
        """Return how many streams are asked for and have no encoder."""
        return len(self._waiting)

    def want(self, stream: str) -> None:
        """Note that somebody subscribed to the lease of this stream."""
        entry = self._entry(stream)
        entry.wanted = True
        self._idle.discard(stream)
        if not entry.holder:
            self._waiting.add(stream)
            self._due.add(stream)

    def unwant(self, stream: str, now: float) -> None:
        """Note that the last subscription to the lease of this stream ended."""
        entry = self._streams.get(stream)
        if entry is not None and entry.wanted:
            entry.wanted = False
            self._waiting.discard(stream)
            self._due.discard(stream)
            self._rest(entry, now)

    def present(self, stream: str) -> bus.LeaseRecord | None:
        """Return the present record of a stream, None while nothing is known for sure."""
        entry = self._streams.get(stream)
        if entry is None or entry.record is None or entry.record.alive != bool(entry.holder):
            return None
        return entry.record

    def desk_known(self, desk: str, host: str) -> None:
        """Note that a desk is there, and on which host. Its waiting streams may be leased now."""
        if desk not in self._desks:
            self._due |= {name for name in self._waiting if self._streams[name].desk == desk}
            self._relieve = True
        if self._desks.get(desk) != host:
            self._desks[desk] = host
            self._uneven = True

    def forget_desk(self, desk: str) -> None:
        """Forget a desk that has been gone for long."""
        self._desks.pop(desk, None)

    def encoder_up(self, beat: bus.Heartbeat, now: float) -> list[Effect]:
        """Take in the heartbeat of an encoder: what it claims, and for what it has room."""
        encoder = self._encoders.get(beat.id)
        if encoder is None:
            encoder = self._encoders[beat.id] = Encoder(beat, now, set())
            changed = True
        else:
            changed = (encoder.beat.capacity == 0) != (beat.capacity == 0)
            encoder.beat = beat
        if changed:
            self._due |= self._waiting
            self._relieve = self._uneven = True
        effects: list[Effect] = []
        for held in beat.streams:
            effects += self._claim(encoder, held, now)
        if len(encoder.streams) != len(beat.streams):
            for name in sorted(encoder.streams - {held.stream for held in beat.streams}):
                entry = self._streams[name]
                unclaimed_s = now - entry.claimed_at if entry.wanted else 0.0
                if unclaimed_s >= UNCLAIMED_S:
                    self._unclaimed.add(name)
                elif unclaimed_s >= REMIND_S:
                    effects += self._remind(entry, now)
        return effects

    def encoder_down(self, id_: str, reason: Reason, now: float) -> list[Effect]:
        """Note that an encoder is gone. Its streams wait for other encoders."""
        encoder = self._encoders.pop(id_, None)
        if encoder is None:
            return []
        self._uneven = True
        effects: list[Effect] = []
        for entry in [self._streams[name] for name in sorted(encoder.streams)]:
            entry.holder = ""
            entry.reason = reason
            if entry.wanted:
                self._waiting.add(entry.name)
                self._due.add(entry.name)
            else:
                effects += self._end(entry, now)
        return effects

    def due_at(self) -> float:
        """Return when settling ends, infinity once it has ended."""
        return math.inf if self._settled else self._settled_at

    def tick(self, now: float, unix_s: int) -> list[Effect]:
        """End settling and the graces that are over, and forget what has been idle for long."""
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
                    self._uneven = True
                    entry.holder = ""
                    entry.reason = Reason.UNUSED
                    effects += self._end(entry, now)
            # The epoch is remembered until the clock has passed it, because the next epoch would
            # otherwise be smaller.
            elif idle_s > FORGET_ENDED_S and unix_s > entry.epoch:
                self._idle.discard(entry.name)
                del self._streams[entry.name]
        return effects

    def reconcile(self, now: float, unix_s: int) -> list[Effect]:
        """Give each waiting stream an encoder, if there is one, and relieve encoders that drain.

        Call it after each call that may have changed something. It costs little if nothing changed.
        """
        if not self._settled or not (self._due or self._relieve or self._unclaimed):
            return []
        effects = self._move_unclaimed(now, unix_s)
        choice = Choice(self._encoders.values(), self._rules.locality)
        due, self._due = sorted(self._due), set()
        for name in due:
            effects += self._grant(self._streams[name], choice, now, unix_s)
        if self._relieve and choice.best("") is not None:
            for encoder in [e for e in self._encoders.values() if e.beat.capacity == 0]:
                for entry in [self._streams[name] for name in sorted(encoder.streams)]:
                    if entry.desk in self._desks:
                        entry.reason = Reason.DRAINED
                        effects += self._grant(entry, choice, now, unix_s)
        self._relieve = False
        return effects

    def _move_unclaimed(self, now: float, unix_s: int) -> list[Effect]:
        effects: list[Effect] = []
        for entry in [self._streams[name] for name in sorted(self._unclaimed)]:
            others = [e for e in self._encoders.values() if e.beat.id != entry.holder]
            choice = Choice(others, self._rules.locality)
            if choice.best("") is None:
                choice = Choice(self._encoders.values(), self._rules.locality)
            if entry.holder and entry.desk in self._desks and choice.best("") is not None:
                entry.reason = Reason.UNCLAIMED
                effects += self._grant(entry, choice, now, unix_s)
        self._unclaimed.clear()
        return effects

    def even_out(self, now: float, unix_s: int) -> list[Effect]:
        """Move the few running streams that gain most, at most once a second. Call it often."""
        if not (self._settled and self._uneven) or now - self._evened_at < _EVEN_OUT_S:
            return []
        self._evened_at = now
        rebalancing = Rebalancing(self._encoders, self._streams, self._desks, self._rules, now)
        effects: list[Effect] = []
        for entry in rebalancing.moves():
            entry.reason = Reason.EVENED
            effects += self._grant(entry, rebalancing.choice, now, unix_s)
        self._uneven = rebalancing.may_gain_later
        return effects

    def _entry(self, stream: str) -> StreamLease:
        entry = self._streams.get(stream)
        if entry is None:
            desk = split_stream(stream).desk
            entry = self._streams[stream] = StreamLease(stream, desk)
        return entry

    def _rest(self, entry: StreamLease, now: float) -> None:
        entry.idle_since = now
        self._idle.add(entry.name)

    def _claim(self, encoder: Encoder, held: bus.HeldStream, now: float) -> list[Effect]:
        entry = self._entry(held.stream)
        beat = encoder.beat
        if held.epoch == entry.epoch and entry.holder == beat.id:
            entry.claimed_at = now
            return []
        twice = held.epoch == entry.epoch and "" < entry.holder < beat.id
        if held.epoch > entry.epoch or twice:
            if entry.holder:
                self._encoders[entry.holder].streams.discard(entry.name)
            if not entry.wanted:
                # Its subscriptions may not have come back yet after a restart.
                self._rest(entry, now)
            return self._assign(entry, encoder, held.epoch + twice, Reason.CLAIMED, now)
        return self._remind(entry, now)

    def _remind(self, entry: StreamLease, now: float) -> list[Effect]:
        if entry.record is None or now - entry.reminded_at < REMIND_S:
            return []
        entry.reminded_at = now
        return [Publish(topics.lease(entry.name), entry.record)]

    def _grant(self, entry: StreamLease, choice: Choice, now: float, unix_s: int) -> list[Effect]:
        """Give the stream a holder, by a new epoch. This also moves a stream that has one."""
        host = self._desks.get(entry.desk)
        encoder = None if host is None else choice.best(host)
        if encoder is None:
            # A stream without an encoder also gets an epoch, to end an older directory's lease.
            entry.epoch = entry.epoch or unix_s
            return self._publish_dead(entry)
        handover_from = 0
        if entry.holder:
            handover_from = entry.hand_over(entry.handing in self._encoders, now)
            holder = self._encoders[entry.holder]
            holder.streams.discard(entry.name)
            choice.changed(holder)
        epoch = min(max(entry.epoch + 1, unix_s), MAX_EPOCH)
        effects = self._assign(entry, encoder, epoch, entry.reason, now, handover_from)
        choice.changed(encoder)
        return effects

    def _assign(
        self,
        entry: StreamLease,
        encoder: Encoder,
        epoch: int,
        reason: Reason,
        now: float,
        handover_from: int = 0,
    ) -> list[Effect]:
        beat = encoder.beat
        encoder.streams.add(entry.name)
        self._waiting.discard(entry.name)
        self._due.discard(entry.name)
        entry.holder = beat.id
        entry.epoch = epoch
        entry.reason = Reason.ASKED
        entry.claimed_at = now
        self._uneven = True
        entry.record = bus.LeaseRecord(
            stream=entry.name,
            alive=True,
            id=beat.id,
            instance=beat.instance,
            outlet=beat.outlet,
            inlet=beat.inlet,
            epoch=epoch,
            handover_from=handover_from,
        )
        return [
            Leased(entry.name, beat.id, epoch, reason),
            Publish(topics.lease(entry.name), entry.record),
        ]

    def _end(self, entry: StreamLease, now: float) -> list[Effect]:
        """End a lease that nobody wants. Its epoch is remembered for a while."""
        entry.idle_since = now
        effects = self._publish_dead(entry)
        entry.reason = Reason.ASKED
        return effects

    def _publish_dead(self, entry: StreamLease) -> list[Effect]:
        """Publish that the stream has no encoder. The epoch stays, because epochs never go back."""
        if entry.record is not None and not entry.record.alive:
            return []
        lost = entry.record is not None
        entry.record = bus.LeaseRecord(entry.name, False, "", "", "", "", entry.epoch)
        publish = Publish(topics.lease(entry.name), entry.record)
        return [Leased(entry.name, "", entry.epoch, entry.reason), publish] if lost else [publish]
