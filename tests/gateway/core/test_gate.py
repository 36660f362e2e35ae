"""The gate: the viewer can decode all that it is sent, and what waits is bounded."""

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from fanlight_gateway.core.congestion import Congestion, CongestionLimits
from fanlight_gateway.core.gate import MAX_UNPAINTED, Drop, Gate, GateLimits
from fanlight_gateway.core.unit import Unit

GATE = GateLimits(backlog_s=0.2)
LIMITS = replace(GATE, backlog_bytes=300)
CONGESTION = CongestionLimits()
PATH = replace(CONGESTION, start_kbps=8000, allowance_s=1000, in_flight_bytes=100)
HELD_UNITS = LIMITS.held_units
PAINT_STALL_S = LIMITS.paint_stall_s
MS = 0.001
ROUNDING = 1e-6
"""Seconds: more than what is lost in rounding, and less than what matters."""


def unit(sequence: int, idr: bool = False, epoch: int = 1, size: int = 10) -> Unit:
    return Unit(epoch, sequence, idr, bytes([sequence % 256]) * size)


class Fixture:
    def __init__(self, limits: GateLimits = LIMITS) -> None:
        self.dropped: Counter[Drop] = Counter()
        self.path = Congestion(PATH)
        self.gate = Gate(
            limits, self.path, lambda reason, count: self.dropped.update({reason: count})
        )

    def take(self, now: float) -> bytes | None:
        taken = self.gate.take(now)
        return None if taken is None else taken.data

    def ack(self, epoch: int, received: int, painted: int, now: float) -> None:
        self.gate.acked(self.path.acked(epoch, received, now), epoch, painted, now)


def test_only_an_idr_opens() -> None:
    f = Fixture()
    f.gate.offer(unit(1), 0)
    assert not f.gate.is_open
    assert f.take(0) is None
    assert f.gate.wants_idr(0)
    f.gate.offer(unit(2, idr=True), 0)
    f.gate.offer(unit(3), 0)
    assert f.gate.is_open
    assert not f.gate.wants_idr(0)
    assert [f.take(0), f.take(0), f.take(0)] == [b"\2" * 10, b"\3" * 10, None]
    assert f.dropped == {Drop.CLOSED: 1}


def test_a_gap_or_another_epoch_closes_and_what_waits_before_it_still_goes() -> None:
    for follower in (unit(3), unit(2, epoch=2)):
        f = Fixture()
        f.gate.offer(unit(1, idr=True), 0)
        f.gate.offer(follower, 0)
        assert not f.gate.is_open
        assert f.take(0) == b"\1" * 10
        assert f.take(0) is None
        assert f.dropped == {Drop.GAP: 1}


def test_bytes_in_flight_close_the_window_until_they_are_acknowledged() -> None:
    f = Fixture()
    f.gate.offer(unit(1, idr=True, size=100), 0)
    assert f.gate.has_idr_on_its_way
    f.gate.offer(unit(2), 0)
    assert f.take(0)
    assert not f.gate.has_room(0)
    assert f.take(0) is None
    now = 0.005
    f.ack(1, 7, 7, now)  # never sent
    f.ack(2, 1, 1, now)  # of another epoch
    assert f.take(now) is None
    assert f.gate.has_idr_on_its_way
    f.ack(1, 1, 1, now)
    assert not f.gate.has_idr_on_its_way
    assert f.path.in_flight_bytes == 0
    assert f.gate.has_room(now)
    assert f.take(now)


def test_a_decoder_that_falls_behind_gets_no_more_until_it_paints() -> None:
    f = Fixture()
    for sequence in (1, 2, 3, 4):
        assert f.gate.has_room(0), "what is on its way is the network's"
        f.gate.offer(unit(sequence, idr=sequence == 1), 0)
        assert f.take(0)
    f.ack(1, HELD_UNITS, 0, 5 * MS)
    assert f.gate.has_room(5 * MS), "a decoder may hold some back"
    f.ack(1, 3, 0, 6 * MS)
    assert not f.gate.has_room(6 * MS), "received, not painted: the decoder is starting"
    f.gate.offer(unit(5), 7 * MS)
    assert f.take(7 * MS) is None
    f.ack(1, 4, 1, 20 * MS)  # 15 ms after it was received, the fastest so far
    assert f.take(20 * MS)
    late = 50 * MS
    assert f.gate.has_room(late - ROUNDING), "the oldest that is unpainted is 30 ms late"
    assert not f.gate.has_room(late + ROUNDING)
    f.ack(1, 5, 5, 60 * MS)
    assert f.gate.has_room(60 * MS)


def test_a_decoder_that_holds_pictures_back_is_pushed() -> None:
    f = Fixture()
    for sequence in range(1, HELD_UNITS + 2):
        f.gate.offer(unit(sequence, idr=sequence == 1), 0)
        f.take(0)
    f.ack(1, HELD_UNITS + 1, 0, MS)
    assert not f.gate.has_room(PAINT_STALL_S)
    assert f.gate.has_room(PAINT_STALL_S + MS)


def test_what_waits_too_long_or_is_too_much_is_all_dropped() -> None:
    for size, now in ((10, 0.201), (290, 0)):
        f = Fixture()
        f.gate.offer(unit(1, idr=True, size=100), 0)
        f.take(0)
        f.gate.offer(unit(2), 0)
        f.gate.offer(unit(3, size=10), 0)
        f.gate.offer(unit(4, size=size), now)
        assert f.dropped == {Drop.BACKLOG: 3}
        assert not f.gate.is_open
        assert not f.gate.wants_idr(now + 1)  # without room an IDR would only wait
        f.ack(1, 1, 1, now)
        assert f.take(now) is None
        assert not f.gate.wants_idr(now + 0.999)  # all other viewers would pay for it
        assert f.gate.wants_idr(now + 1)


def test_who_falls_behind_again_and_again_rests_longer_each_time() -> None:
    f = Fixture()
    now, sequence, rests = 0.0, 0, []
    for _ in range(5):
        f.gate.offer(unit(sequence := sequence + 1, idr=True, size=400), now)
        f.gate.offer(unit(sequence := sequence + 1), now)
        assert f.gate.overflows == len(rests) + 1
        assert f.take(now) is None
        rest = next(half / 2 for half in range(40) if f.gate.wants_idr(now + half / 2))
        rests.append(rest)
        now += rest
    assert rests == [1, 2, 4, 8, LIMITS.backlog_rest_max_s]
    now += 30
    f.gate.offer(unit(sequence := sequence + 1, idr=True, size=400), now)
    f.gate.offer(unit(sequence + 1), now)
    assert f.gate.wants_idr(now + 1)


def test_one_unit_may_wait_whatever_its_size() -> None:
    f = Fixture()
    f.gate.offer(unit(1, idr=True, size=1000), 0)
    f.gate.offer(unit(2, size=1), 0)
    assert f.dropped == {Drop.BACKLOG: 2}
    f.gate.offer(unit(3, idr=True, size=1000), 0)
    assert f.take(0) == b"\3" * 1000


def test_an_idr_supersedes_what_waits() -> None:
    f = Fixture()
    f.gate.offer(unit(1, idr=True), 0)
    f.gate.offer(unit(2), 0)
    f.gate.offer(unit(3, idr=True), 0)
    assert f.take(0) == b"\3" * 10
    assert f.take(0) is None
    assert f.dropped == {Drop.SUPERSEDED: 2}


def test_close_drops_what_waits() -> None:
    f = Fixture()
    f.gate.offer(unit(1, idr=True), 0)
    f.gate.close()
    assert f.take(0) is None
    assert f.dropped == {Drop.ABANDONED: 1}
    f.gate.close()
    assert f.dropped == {Drop.ABANDONED: 1}


steps = st.lists(
    st.one_of(
        st.tuples(
            st.just("offer"),
            st.booleans() | st.just(False),
            st.sampled_from([1, 1, 1, 1, 2, 5]),
            st.sampled_from([0, 0, 0, 0, 0, 1]),
            st.integers(1, 400),
        ),
        st.tuples(st.just("take")),
        st.tuples(st.just("ack"), st.integers(0, 6), st.booleans()),
        st.tuples(st.just("bogus ack"), st.integers(0, 3), st.integers(0, 99)),
        st.tuples(st.just("wait"), st.integers(1, 2000)),
        st.tuples(st.just("close")),
    ),
    max_size=80,
)


@given(steps)
def test_whatever_happens_what_is_sent_can_be_decoded_and_what_waits_is_bounded(
    events: list[tuple[object, ...]],
) -> None:
    f = Fixture()
    now, epoch, sequence = 0.0, 1, 0
    sent: list[Unit] = []
    acked = offered = 0
    by_data: dict[bytes, Unit] = {}
    for event in events:
        match event:
            case ("offer", bool(idr), int(step), int(newer), int(size)):
                epoch += newer
                sequence = 1 if newer else sequence + step
                data = f"{epoch}/{sequence}".encode().ljust(size)
                one = by_data[data] = Unit(epoch, sequence, idr, data)
                if size % 2 and f.gate.pass_on(one, now):
                    sent.append(one)
                else:
                    f.gate.offer(one, now)
                offered += 1
            case ("take",):
                data_or_none = f.take(now)
                if data_or_none is not None:
                    sent.append(by_data[data_or_none])
            case ("ack", int(ahead), bool(paints)):
                if acked < len(sent):
                    acked = min(len(sent), acked + ahead + 1)
                    last = sent[acked - 1]
                    painted = last.sequence if paints else 0
                    f.ack(last.epoch, last.sequence, painted, now)
            case ("bogus ack", int(e), int(s)):
                if (e, s) not in [(u.epoch, u.sequence) for u in sent]:
                    f.ack(e, s, s, now)
            case ("wait", int(ms)):
                now += ms / 1000
            case _:
                f.gate.close()
        in_flight = sum(len(u.data) for u in sent[acked:])
        assert f.path.in_flight_bytes == in_flight
        assert in_flight < PATH.in_flight_bytes + 400
        assert f.gate.waiting_bytes <= max(LIMITS.backlog_bytes, 400)
        if f.gate.wants_idr(now):
            assert not f.gate.is_open
            assert f.gate.has_room(now)
    for before, after in zip([None, *sent], sent, strict=False):
        if not after.idr:
            assert before is not None
            assert (after.epoch, after.sequence) == (before.epoch, before.sequence + 1)
    f.gate.close()
    assert offered == len(sent) + sum(f.dropped.values())  # sent, or counted as dropped


def test_what_need_not_wait_goes_past_the_queue() -> None:
    f = Fixture()
    assert not f.gate.pass_on(unit(1), 0), "closed"
    assert f.gate.pass_on(unit(2, idr=True, size=50), 0)
    assert not f.gate.pass_on(unit(4), 0), "a gap"
    assert f.gate.pass_on(unit(3, size=50), 0)
    assert not f.gate.pass_on(unit(4), 0), "no room"
    f.gate.offer(unit(4), 0)
    now = 5 * MS
    f.ack(1, 3, 3, now)
    assert not f.gate.pass_on(unit(5), now), "another waits before it"
    f.gate.offer(unit(5), now)
    assert [f.take(now), f.take(now), f.take(now)] == [b"\4" * 10, b"\5" * 10, None]
    assert f.gate.pass_on(unit(6), 6 * MS)
    assert f.gate.waited_s == 0
    assert f.dropped == {}


def test_an_acknowledgement_that_waited_says_nothing_of_how_fast_is_painted() -> None:
    f = Fixture()
    f.path = Congestion(replace(CONGESTION, start_kbps=CONGESTION.max_kbps))
    f.gate = Gate(LIMITS, f.path, lambda _reason, _count: None)
    f.gate.pass_on(unit(1, idr=True), 0)
    f.ack(1, 1, 0, 10 * MS)
    f.ack(1, 1, 1, 25 * MS)  # 15 ms after it came
    f.gate.pass_on(unit(2), 20 * MS)
    assert f.gate.is_relaxed
    f.ack(1, 2, 2, 40 * MS)
    for sequence in range(3, 7):
        f.gate.pass_on(unit(sequence), 0.1)
    f.ack(1, 6, 0, 0.11)
    late = 0.11 + 0.015 + LIMITS.paint_lag_s
    assert f.gate.has_room(late - ROUNDING)
    assert not f.gate.has_room(late + ROUNDING)


def test_who_never_paints_is_remembered_up_to_a_bound() -> None:
    f = Fixture(replace(LIMITS, paint_stall_s=0))
    for sequence in range(1, 2 * MAX_UNPAINTED):
        now = sequence / 1000
        f.gate.offer(unit(sequence, idr=sequence == 1), now)
        assert f.take(now)
        f.ack(1, sequence, 0, now + MS / 2)
        assert len(f.gate._unpainted) == min(sequence, MAX_UNPAINTED)
    f.ack(1, 0, 2 * MAX_UNPAINTED - 1, 10)
    assert len(f.gate._unpainted) == 0


class SimulatedViewer:
    """A viewer of a good path. With `past`, its units go past the queue if they can."""

    def __init__(self, *, past: bool) -> None:
        self._past = past
        self.dropped: Counter[Drop] = Counter()
        self.sent: list[tuple[int, int, bool]] = []
        self.path = Congestion(replace(CONGESTION, start_kbps=CONGESTION.max_kbps))
        self.gate = Gate(
            GATE, self.path, lambda reason, count: self.dropped.update({reason: count})
        )

    def unit(self, one: Unit, now: float) -> None:
        if self._past and self.gate.pass_on(one, now):
            self.sent.append((*one.label, self.gate.is_relaxed))
        else:
            self.gate.offer(one, now)
            self.send(now)

    def send(self, now: float) -> None:
        while (one := self.gate.take(now)) is not None:
            self.sent.append((*one.label, self.gate.is_relaxed))

    def ack(self, epoch: int, received: int, painted: int, now: float) -> None:
        self.gate.acked(self.path.acked(epoch, received, now), epoch, painted, now)
        self.path.tick(now)
        self.send(now)

    @property
    def state(self) -> list[object]:
        """All that gate and path know."""
        gate, path = dict(vars(self.gate)), dict(vars(self.path))
        for name in ("_congestion", "_on_drop"):
            del gate[name]
        for name in ("_base", "_delivered", "_rate"):
            path[name] = vars(path[name])
        return [self.sent, self.dropped, gate, path]


moves = st.lists(
    st.tuples(
        st.sampled_from(["unit"] * 8 + ["ack"] * 4 + ["wait"] * 7 + ["close"]),
        st.tuples(
            st.sampled_from([False] * 9 + [True]),
            st.sampled_from([1] * 19 + [3]),
            st.sampled_from([0] * 29 + [1]),
            st.sampled_from([100, 5_000, 20_000, 60_000]),
        ),
        st.tuples(st.integers(0, 6), st.sampled_from([0, 0, 1, 4])),
        st.sampled_from([1, 16, 16, 40, 600]),
    ),
    min_size=50,
    max_size=100,
)


@given(moves)
def test_the_short_and_the_general_path_lead_to_the_same_state(
    events: list[tuple[str, tuple[bool, int, int, int], tuple[int, int], int]],
) -> None:
    short, general = viewers = (SimulatedViewer(past=True), SimulatedViewer(past=False))
    now, epoch, sequence, acked = 0.0, 1, 0, 0
    idr_first = (True, 1, 0, 100)
    begin = [(kind, idr_first, (0, 0), 5) for kind in ("unit", "wait", "ack")]
    for kind, (idr, step, newer, size), (ahead, behind), pause_ms in [*begin, *events]:
        match kind:
            case "unit":
                epoch += newer
                sequence = 1 if newer else sequence + step
                one = Unit(epoch, sequence, idr, bytes(size))
                for viewer in viewers:
                    viewer.unit(one, now)
            case "ack":
                acked = min(len(general.sent), acked + ahead + 1)
                of, received, _ = general.sent[acked - 1]
                for viewer in viewers:
                    viewer.ack(of, received, max(0, received - behind), now)
            case "wait":
                now += pause_ms / 1000
            case _:
                for viewer in viewers:
                    viewer.gate.close()
        assert short.state == general.state
