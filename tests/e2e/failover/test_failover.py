"""Encoders, gateways and the directory end, die, hang and come back while people watch.

Every witness decodes all that it gets, and notes what is not the desk's picture (see `witness`).
`bench.failover` measures how long things take; these tests do not.
"""

import re
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.e2e.failover.cluster import Cluster, Service
from tests.e2e.failover.witness import Witness
from tests.e2e.processes import wait_until

pytestmark = [pytest.mark.processes]
STREAM = "main/high"
SILENCE_S = 3
"""Seconds of silence after which a process counts as dead: more than other work on this machine
causes."""
FPS = 30


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A cluster with a directory and nothing else."""
    running = Cluster(
        FANLIGHT_DIRECTORY_MOVES_PER_S="0", FANLIGHT_HEARTBEAT_TIMEOUT_S=str(SILENCE_S)
    )
    running.directory()
    yield running
    running.close()


def watch(cluster: Cluster, desk: str = "main", **options: object) -> Witness:
    return Witness(cluster.ports["gateway"], cluster.token(), desk, **options)  # type: ignore[arg-type]  # by name


def started(cluster: Cluster, encoders: int = 2, fps: float = FPS) -> None:
    """Start the desk `main`, so many encoders and a gateway."""
    cluster.desk("main", fps=fps)
    for number in range(encoders):
        cluster.encoder(f"e{number}")
    cluster.gateway()


def test_an_encoder_is_killed(cluster: Cluster) -> None:
    started(cluster)
    with watch(cluster) as watcher:
        watcher.wait_units(30)
        before, lost = watcher.epoch, cluster.holder(STREAM)
        lost.kill()
        first = watcher.wait_epoch_after(before)
        assert first.idr
        watcher.wait_units(30)
        assert cluster.holder(STREAM) is not lost
        assert cluster.leases(STREAM)[-1]["reason"] == "silence"
        assert watcher.wrong == []


def test_a_killed_encoder_is_missed_at_once_and_not_only_by_its_silence() -> None:
    cluster = Cluster(FANLIGHT_HEARTBEAT_TIMEOUT_S="60")
    try:
        cluster.directory()
        started(cluster)
        with watch(cluster) as watcher:
            watcher.wait_units(5)
            before = watcher.epoch
            cluster.holder(STREAM).kill()
            watcher.wait_epoch_after(before, limit_s=30)
            assert watcher.wrong == []
    finally:
        cluster.close()


def test_an_encoder_that_hung_finds_its_stream_gone_and_lets_go(cluster: Cluster) -> None:
    started(cluster)
    with watch(cluster) as watcher:
        watcher.wait_units(30)
        before, hung = watcher.epoch, cluster.holder(STREAM)
        hung.pause()
        first = watcher.wait_epoch_after(before)
        assert first.idr
        watcher.wait_units(10)
        joined = cluster.told.count(f"event=joined kind=encoder id={hung.id} ")
        hung.resume()
        # It wakes while it encodes, and the directory then tells it that the stream is gone.
        wait_until(lambda: "event=stream_ends" in hung.output, "it to let go")
        cluster.until_joined(hung.id, joined + 1)
        watcher.wait_units(60)
        assert "event=handover" not in hung.output
        assert watcher.wrong == []
        # On a full machine the directory may miss the other encoder too, and move the lease again.
        given = {int(lease["epoch"]): lease["encoder"] for lease in cluster.leases(STREAM)}
        assert given[first.epoch] != hung.id
        epochs = [d.epoch for d in watcher.deliveries]
        assert epochs == sorted(epochs), "nothing of the old lease came after the new one"
        assert set(epochs) <= {before, *given}
        with watch(cluster, viewer="witness1") as newcomer:
            newcomer.wait_units(30)
            assert min(d.epoch for d in newcomer.deliveries) >= first.epoch


def test_all_encoders_hang_and_come_back_one_by_one(cluster: Cluster) -> None:
    started(cluster)
    with watch(cluster) as watcher:
        watcher.wait_units(10)
        first = cluster.holder(STREAM)
        (second,) = [cluster.services[i] for i in ("e0", "e1") if i != first.id]
        first.pause()
        wait_until(lambda: cluster.holder(STREAM) is second, "the other to have it")
        second.pause()
        wait_until(lambda: cluster.leases(STREAM)[-1]["encoder"] == "none", "nobody to have it")
        wait_until(lambda: watcher.states[-1] == "waiting", "the viewer to be told")
        epoch = watcher.epoch
        # The encoder that had the stream first is back first, and gets a new lease.
        first.resume()
        watcher.wait_epoch_after(epoch)
        second.resume()
        watcher.wait_units(60)
        assert cluster.holder(STREAM) is first
        assert watcher.wrong == []


@pytest.mark.parametrize("fps", [FPS, 0], ids=["moving", "still"])
def test_an_encoder_that_is_told_to_end_ends_when_another_is_shown(
    cluster: Cluster, fps: float
) -> None:
    started(cluster, fps=fps)
    with watch(cluster) as one, watch(cluster, viewer="witness1") as two:
        for watcher in (one, two):
            wait_until(lambda w=watcher: len(w.deliveries) > fps, "pictures")  # type: ignore[misc]  # bound
        before, leaving = one.epoch, cluster.holder(STREAM)
        leaving.terminate()
        for watcher in (one, two):
            first = watcher.wait_epoch_after(before)
            assert first.idr
            assert watcher.wrong == []
            assert set(watcher.states) <= {"waiting", "live"}
            assert watcher.states[-1] == "live"
        assert cluster.leases(STREAM)[-1]["reason"] == "drained"
        assert in_order(
            leaving, "event=drain ", "event=handover", "event=drained streams=0", "event=stop"
        )
        assert "change=wait" in cluster.services["gateway"].output
        if fps:
            # No picture of the old encoder is missing, and the first one of the new encoder is the
            # next.
            numbers = [d.number for d in one.deliveries]
            at = one.deliveries.index(one.wait_epoch_after(before))
            assert abs((numbers[at] or 0) - (numbers[at - 1] or 0)) <= fps
            one.wait_units(30)


def in_order(service: Service, *events: str) -> bool:
    """Return whether it logged these texts in this order."""
    return re.search(".*".join(map(re.escape, events)), service.output, re.S) is not None


def test_two_of_three_are_told_to_end_at_once(cluster: Cluster) -> None:
    started(cluster, encoders=3)
    with watch(cluster) as watcher:
        watcher.wait_units(30)
        before, first = watcher.epoch, cluster.holder(STREAM)
        last, *others = [cluster.services[f"e{n}"] for n in range(3) if f"e{n}" != first.id]
        leaving = [first, *others]
        for service in leaving:
            service.process.terminate()
        for service in leaving:
            assert service.process.wait(10) == 0
        watcher.wait_epoch_after(before)
        wait_until(lambda: cluster.holder(STREAM) is last, "the third to have it")
        watcher.wait_units(60)
        assert {lease["reason"] for lease in cluster.leases(STREAM)[1:]} == {"drained"}
        assert watcher.wrong == []


def test_the_only_encoder_is_told_to_end_and_there_is_one_later(cluster: Cluster) -> None:
    started(cluster, encoders=1)
    with watch(cluster) as watcher:
        watcher.wait_units(30)
        before = watcher.epoch
        cluster.services["e0"].terminate()
        assert "event=drained streams=1" in cluster.services["e0"].output
        wait_until(lambda: watcher.states[-1] == "waiting", "the viewer to be told")
        cluster.encoder("e1")
        assert watcher.wait_epoch_after(before).idr
        assert watcher.states[-1] == "live"
        assert watcher.wrong == []


def test_new_streams_go_where_there_are_fewest(cluster: Cluster) -> None:
    desks = [f"desk{number}" for number in range(8)]
    for desk in desks:
        cluster.desk(desk, width=320, height=192, fps=5)
    for number in range(3):
        cluster.encoder(f"e{number}")
    cluster.gateway()
    watchers = []
    try:
        for desk in desks[:6]:
            watchers.append(watch(cluster, desk))
            watchers[-1].wait_units(1)
        assert Counter(lease["encoder"] for lease in cluster.leases()) == {
            "e0": 2,
            "e1": 2,
            "e2": 2,
        }
        # New streams go to a new encoder, and streams that run stay where they are.
        cluster.encoder("e3")
        for desk in desks[6:]:
            watchers.append(watch(cluster, desk))
            watchers[-1].wait_units(1)
        assert [lease["encoder"] for lease in cluster.leases()[6:]] == ["e3", "e3"]
        for watcher in watchers:
            watcher.wait_units(3)
            assert watcher.wrong == []
            assert len({d.epoch for d in watcher.deliveries}) == 1
    finally:
        for watcher in watchers:
            watcher.close()


def test_the_directory_is_away_for_a_while(cluster: Cluster) -> None:
    started(cluster)
    cluster.desk("other")
    with watch(cluster) as watcher:
        watcher.wait_units(10)
        epoch, holder = watcher.epoch, cluster.holder(STREAM)
        # The gateway has to know the other desk, which nobody watches.
        wait_until(
            lambda: "other" in cluster.get(cluster.ports["gateway"], "/api/desks").text, "the desk"
        )
        cluster.services["directory"].kill()
        watcher.wait_units(30)
        with watch(cluster, viewer="witness1") as another, watch(cluster, "other") as waiting:
            # Another viewer of a stream that runs does not notice; a viewer of one that does not
            # run waits.
            another.wait_units(30)
            watcher.wait_units(3 * SILENCE_S * FPS, 60)
            assert waiting.states == ["waiting"]
            assert waiting.deliveries == []
            cluster.services["directory"].start()
            waiting.wait_units(30)
            assert waiting.states == ["waiting", "live"]
            watcher.wait_units(60)
            assert {d.epoch for d in watcher.deliveries} == {epoch}
            assert {d.epoch for d in another.deliveries} == {epoch}
            assert cluster.holder(STREAM) is holder
            (*_, last) = cluster.leases(STREAM)
            assert (last["reason"], int(last["epoch"])) == ("claimed", epoch)
            assert [w.wrong for w in (watcher, another, waiting)] == [[], [], []]


def test_an_encoder_dies_while_the_directory_is_away(cluster: Cluster) -> None:
    started(cluster)
    with watch(cluster) as watcher:
        watcher.wait_units(10)
        epoch, lost = watcher.epoch, cluster.holder(STREAM)
        cluster.services["directory"].kill()
        lost.kill()
        cluster.services["directory"].start()
        assert watcher.wait_epoch_after(epoch).idr
        watcher.wait_units(30)
        assert cluster.holder(STREAM) is not lost
        assert watcher.wrong == []
