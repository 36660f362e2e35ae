"""A tick does nothing for a viewer that is well. Whatever goes wrong is noticed at that tick."""

from collections.abc import Callable

import pytest

from fanlight_gateway.core.congestion import Congestion
from fanlight_gateway.core.paint_lag import UnitLog
from fanlight_gateway.core.unit import Unit
from fanlight_gateway.limits import Limits
from fanlight_gateway.viewers.viewer_video import Subscription, ViewerVideo
from tests.gateway.acks import Acks
from tests.gateway.memory_transport import MemoryTransport

TICK_MS = 125
UNIT_MS = 16
RTT_MS = 10
DECODE_MS = 4
SIZE_BYTES = 20_000
CALM_S = 8

Trace = list[tuple[object, ...]]


class Hub:
    """Streams that nothing sends."""

    def __init__(self) -> None:
        self.subscriptions: dict[str, Subscription] = {}
        self.history_of = UnitLog()

    def join(self, name: str, subscription: Subscription) -> None:
        self.subscriptions[name] = subscription
        subscription.video_state("live")

    def leave(self, name: str, subscription: Subscription) -> None:
        del self.subscriptions[name]

    def settle(self, name: str) -> None:
        pass

    def rate_changed(self, name: str) -> None:
        pass

    def history(self, name: str) -> UnitLog:
        return self.history_of

    def is_shared(self, name: str) -> bool:
        return True


class Watched:
    """A viewer on a good local path, in virtual time, and what was known of it at each tick."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.hub = Hub()
        self.video = ViewerVideo(
            "v",
            "main",
            Limits(),
            self.hub,  # type: ignore[arg-type]  # what a viewer asks of it
            MemoryTransport(),
            on_state=lambda _state, _rendition: None,
            flush=self._take,
            failed=self._failed,
            now=0,
        )
        self.video.want(True, False, 0)
        self.trace: Trace = []
        self.looks = 0
        """How often the viewer's path was looked at."""
        monkeypatch.setattr(self.video.congestion, "tick", self._look)
        self.now_ms = 0
        self._sequence = 0
        self._acks = Acks()
        self._on_way: list[tuple[int, Callable[[], None]]] = []
        self.rtt_ms = RTT_MS
        self.answers = True
        self.paints = True
        self.feeds = True

    def run(self, seconds: float) -> None:
        for _ in range(int(1000 * seconds)):
            self.now_ms += 1
            self._step()

    def _step(self) -> None:
        now = self.now_ms
        if self.feeds and now % UNIT_MS == 0:
            self._offer()
        due, self._on_way = (
            [do for at, do in self._on_way if at <= now],
            [(at, do) for at, do in self._on_way if at > now],
        )
        for do in due:
            do()
        self._tell(self._acks.due(now))
        if now % TICK_MS == 0:
            self.video.tick(now / 1000)
            path = self.video.congestion
            known = (path.target_kbps, path.inflation_s, path.is_calm, path.in_flight_bytes)
            self.trace.append((now, *known, sorted(self.hub.subscriptions)))

    def _offer(self) -> None:
        self._sequence += 1
        unit = Unit(1, self._sequence, self._sequence == 1, bytes(SIZE_BYTES))
        sent = self.hub.subscriptions["main/high"].offer(unit, self.now_ms / 1000)
        if sent is not None:
            self._send(sent is unit.relaxed_forms[MemoryTransport.encode_unit])

    def _take(self) -> None:
        while self.video.take(self.now_ms / 1000) is not None:
            self._send(False)

    def _send(self, is_relaxed: bool) -> None:
        sequence = self._sequence
        self._later(self.rtt_ms // 2, lambda: self._receive(sequence, is_relaxed))

    def _receive(self, sequence: int, is_relaxed: bool) -> None:
        self._acks.received(1, sequence, is_relaxed, self.now_ms)
        if self.paints:
            self._later(DECODE_MS, lambda: self._tell(self._acks.painted(1, sequence, self.now_ms)))

    def _tell(self, told: object) -> None:
        if told is not None and self.answers:
            self._later(self.rtt_ms // 2, lambda: self._hear(told))

    def _hear(self, told: object) -> None:
        now = self.now_ms / 1000
        self.video.acked(told.epoch, told.received, told.painted, now)  # type: ignore[attr-defined]

    def _later(self, pause_ms: int, do: Callable[[], None]) -> None:
        self._on_way.append((self.now_ms + pause_ms, do))

    def _look(self, now: float) -> None:
        self.looks += 1
        Congestion.tick(self.video.congestion, now)

    def _failed(self, error: Exception) -> None:
        raise error


def stalls(watched: Watched) -> None:
    """Nothing is acknowledged any more."""
    watched.answers = False


def stalls_as_the_desk_rests(watched: Watched) -> None:
    """Nothing is acknowledged any more, and nothing more is sent that could show it."""
    watched.answers = watched.feeds = False


def slows_as_the_desk_rests(watched: Watched) -> None:
    """A queue forms. Once an acknowledgement has shown it, the desk sends no more units."""
    watched.rtt_ms = 150
    watched.run(0.4)
    watched.feeds = False


def stops_to_paint(watched: Watched) -> None:
    """The viewer receives units, and paints nothing."""
    watched.paints = False


def goes_on(watched: Watched) -> None:
    """All is well."""


@pytest.mark.parametrize(
    "then",
    [stalls, stalls_as_the_desk_rests, slows_as_the_desk_rests, stops_to_paint, goes_on],
)
def test_what_goes_wrong_is_noticed_at_the_same_tick(
    then: Callable[[Watched], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    spared, looked_at = Watched(monkeypatch), Watched(monkeypatch)
    monkeypatch.setattr(looked_at.video, "_is_well", lambda _now: False)
    for watched in (spared, looked_at):
        watched.run(CALM_S)
        assert watched.video.congestion.is_calm
        then(watched)
        watched.looks = 0
        watched.run(3)
    assert spared.trace == looked_at.trace
    assert looked_at.looks >= 3000 // TICK_MS
    if then is goes_on:
        assert spared.looks == 0
    elif then is not stops_to_paint:
        assert not spared.video.congestion.is_calm, "it was noticed"
