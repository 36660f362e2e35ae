"""The directory keeps its promises, whatever happens, in whatever order.

In a small world encoders do as they are told, captures and viewers come and go, and the directory
itself is started again from nothing.
"""

import contextlib
from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from fanlight_common.core.errors import ProtocolError
from fanlight_common.core.names import Rendition, stream_name
from fanlight_common.protocol import bus, topics
from fanlight_directory.core.effects import Effect, Publish
from fanlight_directory.core.registry import Registry, Timing

TIMING = Timing(timeout_s=1.0, settle_s=1.0, grace_s=2.0, forget_s=600.0)
STEP_S = 0.1
DESKS = ["a", "b", "c"]
STREAMS = [stream_name(desk, rendition) for desk in DESKS for rendition in Rendition]
ENCODERS = ["e0", "e1", "e2", "e3"]

desks = st.sampled_from(DESKS)
streams = st.sampled_from(STREAMS)
encoders = st.sampled_from(ENCODERS)


@dataclass
class Encoder:
    """An encoder. It holds, and claims, what the newest record that it has seen gives to it."""

    id: str
    instance: str
    capacity: int
    speaks: bool = True
    silent_for: float = 0.0
    held: dict[str, int] = field(default_factory=dict)

    def see(self, record: bus.LeaseRecord) -> None:
        if record.alive and (record.id, record.instance) == (self.id, self.instance):
            self.held[record.stream] = record.epoch
        else:
            self.held.pop(record.stream, None)

    def beat(self) -> bus.Heartbeat:
        held = tuple(bus.HeldStream(stream, epoch) for stream, epoch in self.held.items())
        return bus.Heartbeat(
            "encoder", self.id, self.instance, "h", "o", "i", "", (), self.capacity, 0.0, held
        )


def _same(a: bus.LeaseRecord, b: bus.LeaseRecord) -> bool:
    """Return whether the records are equal but for the handover, which a restart forgets."""
    return replace(a, handover_from=0) == replace(b, handover_from=0)


class World(RuleBasedStateMachine):
    """All processes, and the records that a viewer of everything has seen."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 100.0
        self.unix_s = 1_700_000_000.0
        self.registry = Registry(TIMING, self.now)
        self.encoders: dict[str, Encoder] = {}
        self.captures: set[str] = set()
        self.wanted: set[str] = set()
        self.seen: dict[str, bus.LeaseRecord] = {}
        self.instances = 0

    def apply(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Publish) and isinstance(effect.record, bus.LeaseRecord):
                record, before = effect.record, self.seen.get(effect.record.stream)
                assert effect.topic == topics.lease(record.stream)
                if before is not None:
                    # A lease that moves or comes back has a larger epoch. No epoch gets smaller.
                    if record.alive and before.alive and record.epoch == before.epoch:
                        assert _same(record, before)
                    elif record.alive and not before.alive:
                        assert record.epoch > before.epoch
                    assert record.epoch >= before.epoch
                self.seen[record.stream] = record
                if record.stream in self.wanted:
                    for encoder in self.encoders.values():
                        encoder.see(record)

    def wall(self) -> int:
        return int(self.unix_s)

    def step(self) -> None:
        self.now = round(self.now + STEP_S, 6)
        self.unix_s += STEP_S
        for encoder in self.encoders.values():
            encoder.silent_for += STEP_S
            if encoder.speaks:
                encoder.silent_for = 0.0
                self.apply(self.registry.heartbeat(encoder.beat(), self.now, self.wall()))
        for desk in self.captures:
            beat = bus.Heartbeat(
                "capture",
                f"capture-{desk}",
                "1",
                "h",
                "o",
                "i",
                "",
                (bus.DeskOffer(desk, 1, 1),),
                0,
                0.0,
                (),
            )
            self.apply(self.registry.heartbeat(beat, self.now, self.wall()))
        self.apply(self.registry.tick(self.now, self.wall()))

    @rule(id_=encoders, capacity=st.integers(1, 4))
    def encoder_starts(self, id_: str, capacity: int) -> None:
        self.instances += 1
        self.encoders[id_] = Encoder(id_, str(self.instances), capacity)
        beat = self.encoders[id_].beat()
        self.apply(self.registry.heartbeat(beat, self.now, self.wall()))

    @rule(id_=encoders)
    def encoder_ends(self, id_: str) -> None:
        encoder = self.encoders.pop(id_, None)
        if encoder is not None:
            farewell = bus.Farewell(id_, encoder.instance)
            self.apply(self.registry.farewell(farewell, self.now, self.wall()))

    @rule(id_=encoders, speaks=st.booleans())
    def encoder_is_cut_off_or_back(self, id_: str, speaks: bool) -> None:
        if id_ in self.encoders:
            self.encoders[id_].speaks = speaks

    @rule(id_=encoders)
    def encoder_drains(self, id_: str) -> None:
        if id_ in self.encoders:
            self.encoders[id_].capacity = 0

    @rule(desk=desks)
    def capture_starts(self, desk: str) -> None:
        self.captures.add(desk)

    @rule(desk=desks)
    def capture_dies(self, desk: str) -> None:
        self.captures.discard(desk)

    @rule(stream=streams)
    def viewer_comes(self, stream: str) -> None:
        self.wanted.add(stream)
        self.apply(self.registry.subscribed(topics.lease(stream), self.now, self.wall()))

    @rule(stream=streams)
    def viewer_goes(self, stream: str) -> None:
        if stream in self.wanted:
            self.wanted.remove(stream)
            self.registry.unsubscribed(topics.lease(stream), self.now)
            for encoder in self.encoders.values():
                encoder.held.pop(stream, None)

    @rule(steps=st.integers(1, 30))
    def time_passes(self, steps: int) -> None:
        for _ in range(steps):
            self.step()

    @rule(late=st.integers(0, 8))
    def directory_starts_again(self, late: int) -> None:
        # Each move puts epochs at most one second ahead of the wall clock, which soon catches up.
        self.unix_s += 60
        self.registry = Registry(TIMING, self.now)
        for encoder in self.encoders.values():
            encoder.silent_for = 0.0
        for _ in range(late):
            self.registry.tick(self.now, self.wall())
            self.now = round(self.now + STEP_S, 6)
        for stream in sorted(self.wanted):
            self.apply(self.registry.subscribed(topics.lease(stream), self.now, self.wall()))

    @rule(late=st.integers(0, 7))
    def directory_starts_again_in_peace(self, late: int) -> None:
        """Restart the directory. Nobody notices: no lease moves, and none is said to be dead."""
        self.peace()
        before = {stream: self.seen[stream] for stream in self.wanted}
        self.directory_starts_again(late)
        for _ in range(40):
            self.step()
        for stream, record in before.items():
            if record.alive and self.encoders[record.id].capacity > 0:
                assert _same(self.seen[stream], record)

    @rule()
    def peace(self) -> None:
        """Wait for a while, in which nothing happens. Then everything has to be as it should be."""
        for _ in range(60):
            self.step()
        known = {encoder.id: encoder for encoder in self.encoders.values() if encoder.speaks}
        able = [encoder for encoder in known.values() if encoder.capacity > 0]
        for stream in self.wanted:
            record = self.seen[stream]
            if record.alive:
                holder = known[record.id]
                assert holder.instance == record.instance
                assert holder.held[stream] == record.epoch
            else:
                assert not able or stream.split("/")[0] not in self.captures
        claims = [stream for encoder in known.values() for stream in encoder.held]
        assert len(claims) == len(set(claims)), "two encoders on one stream"
        held = {stream for stream in self.wanted if self.seen[stream].alive}
        assert self.registry.counts().leases == len(held)
        assert self.registry.counts().waiting == len(self.wanted) - len(held)

    @precondition(lambda self: self.wanted)
    @rule(data=st.data())
    def asking_again_tells_the_present(self, data: st.DataObject) -> None:
        stream = data.draw(st.sampled_from(sorted(self.wanted)))
        before = self.seen.get(stream)
        effects = self.registry.subscribed(topics.lease(stream), self.now, self.wall())
        records = [e.record for e in effects if isinstance(e, Publish)]
        assert len(records) <= 1
        for record in records:
            assert before is None or record == before
        self.apply(effects)

    @invariant()
    def leases_name_the_living(self) -> None:
        for record in self.seen.values():
            if record.alive and record.stream in self.wanted:
                encoder = self.encoders.get(record.id)
                if encoder is None or encoder.instance != record.instance:
                    # Only a directory that has just started may not know yet.
                    assert self.registry._leases.present(record.stream) is None
                else:
                    assert encoder.silent_for <= TIMING.timeout_s + TIMING.settle_s + 0.3


World.TestCase.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
TestWorld = World.TestCase


@settings(max_examples=60, deadline=None)
@given(
    capacities=st.lists(st.integers(1, 16), min_size=1, max_size=8),
    fill=st.floats(0.1, 1.0),
)
def test_new_streams_spread_evenly(capacities: list[int], fill: float) -> None:
    registry = Registry(replace(TIMING, settle_s=0.0), 0.0)
    registry.tick(0.0, 1)
    count = max(1, int(sum(capacities) * fill))
    offers = tuple(bus.DeskOffer(f"d{n}", 1, 1) for n in range(count))
    registry.heartbeat(
        bus.Heartbeat("capture", "c", "1", "h", "o", "i", "", offers, 0, 0.0, ()), 0.0, 1
    )
    for number, capacity in enumerate(capacities):
        beat = Encoder(f"e{number}", "1", capacity).beat()
        registry.heartbeat(beat, 0.0, 1)
    held = [0] * len(capacities)
    for number in range(count):
        (effect,) = [
            e
            for e in registry.subscribed(topics.lease(f"d{number}/high"), 0.0, 1)
            if isinstance(e, Publish)
        ]
        assert isinstance(effect.record, bus.LeaseRecord)
        held[int(effect.record.id[1:])] += 1
    fullness = [h / c for h, c in zip(held, capacities, strict=True)]
    for n, capacity in enumerate(capacities):
        # No encoder is fuller than another encoder would be with one more stream.
        assert fullness[n] - 1 / capacity <= min(fullness) + 1e-9
        assert held[n] <= capacity


TEXT = st.text(max_size=70)


@given(
    topic=st.binary(max_size=40)
    | st.builds(lambda a, b: f"lease/{a}/{b}/".encode(), TEXT, TEXT)
    | st.builds(lambda a: f"desk/{a}/".encode(), TEXT)
)
def test_any_topic_is_answered_or_refused(topic: bytes) -> None:
    registry = Registry(TIMING, 0.0)
    with contextlib.suppress(ProtocolError):
        registry.subscribed(topic, 0.0, 1)
        registry.unsubscribed(topic, 0.0)
    assert registry.tick(5.0, 1) == []
