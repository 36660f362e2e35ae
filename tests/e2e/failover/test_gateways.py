"""Two gateways behind one address, as docs/operations.md shows it, with a real browser.

The gateway that the browser uses is told to end, or is killed. The browser goes on at the other
gateway.
"""

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Viewer
from tests.e2e.failover.cluster import Cluster, Service
from tests.e2e.processes import DelayProxy, wait_until
from tests.e2e.proxies import Balancer

pytestmark = [pytest.mark.browser, pytest.mark.processes]
Open = Callable[..., Viewer]
ON_VIDEO = "stats.transport === 'websocket' && stats.state === 'video' && stats.painted > 5"
ON_HTTP = "stats.transport === 'http' && stats.connection === 'open' && stats.painted > 0"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A desk that writes its input to a file, and two gateways."""
    made = Cluster(
        FANLIGHT_CAPTURE_PATTERN_INPUT_LOG=str(tmp_path_factory.mktemp("desk") / "input"),
        FANLIGHT_VIEWER_SUSTAIN_MS="700",
    )
    made.directory()
    made.desk("main")
    made.encoder("e0")
    made.screenshot()
    # This gateway drains so long that the balancer knows of it before its viewers do.
    made.gateway("g0", FANLIGHT_GATEWAY_DRAIN_S="0.6")
    made.gateway("g1")
    yield made
    made.close()


@pytest.fixture
def cluster(running: Cluster) -> Cluster:
    """The same cluster, with both gateways ready and no viewer left from the test before."""
    gateways = [running.services[id_] for id_ in running.ports]
    deadline = time.monotonic() + 1
    # A viewer by WebSocket leaves when its page closes. The gateway misses one by plain HTTP only
    # seconds later, so a gateway that still has one is killed.
    while any(map(has_viewer, gateways)) and time.monotonic() < deadline:
        time.sleep(0.02)
    for gateway in gateways:
        if has_viewer(gateway):
            gateway.kill()
        if gateway.process.poll() is not None:
            gateway.start()
        wait_until(lambda g=gateway: running.answers(g.port, "/readyz"), gateway.id)  # type: ignore[misc]  # bound
    return running


@pytest.fixture
def balancer(cluster: Cluster, tmp_path: Path) -> Iterator[Balancer]:
    """The balancer before both gateways, which the test starts."""
    running = Balancer(tmp_path, list(cluster.ports.values()))
    yield running
    running.stop()


def link(cluster: Cluster, port: int) -> str:
    return f"http://127.0.0.1:{port}/?desk=main#token={cluster.token()}"


def joined(service: Service) -> int:
    return service.output.count("event=viewer_joined")


def has_viewer(service: Service) -> bool:
    """Return whether a viewer of the present process has joined and not left."""
    life = service.life
    return life.count("event=viewer_joined") > life.count("event=viewer_left")


def used(cluster: Cluster) -> tuple[Service, Service]:
    """Return the gateway that the only viewer uses, and the other one."""
    g0, g1 = cluster.services["g0"], cluster.services["g1"]
    here = [g for g in (g0, g1) if has_viewer(g)]
    assert len(here) == 1
    return here[0], g1 if here[0] is g0 else g0


@pytest.fixture
def keys(cluster: Cluster) -> Callable[[], list[bool]]:
    """Return a function that lists the key events that the desk got in this test; True is down."""
    log = Path(cluster.environment["FANLIGHT_CAPTURE_PATTERN_INPUT_LOG"])

    def events() -> list[bool]:
        lines = log.read_text().splitlines() if log.exists() else []
        return [down for kind, *_, down in map(json.loads, lines) if kind == "key"]

    before = len(events())
    return lambda: events()[before:]


@pytest.mark.parametrize("how", ["terminate", "kill"])
@pytest.mark.parametrize("through", ["haproxy", "nginx", "plain"])
def test_the_gateway_that_a_viewer_uses_goes(
    cluster: Cluster,
    balancer: Balancer,
    open_viewer: Open,
    keys: Callable[[], list[bool]],
    how: str,
    through: str,
) -> None:
    if through == "nginx":
        balancer.start_nginx()
    else:
        balancer.start(websockets=through != "plain")
    condition = ON_HTTP if through == "plain" else ON_VIDEO
    viewer = open_viewer(link(cluster, balancer.port))
    viewer.wait(condition)
    viewer.click_desk(200, 100)
    other, gone = used(cluster)
    for _ in range(2):  # to the other gateway and back
        gone, other = other, gone
        before = joined(other)
        viewer.page.keyboard.down("a")
        wait_until(lambda: keys()[-1:] == [True], "the key to be down")
        getattr(gone, how)()
        wait_until(lambda: joined(other) > before, "the viewer to come to the other gateway")  # noqa: B023  # awaited at once
        wait_until(lambda: keys()[-1] is False, "the key to be up")
        viewer.wait(condition)
        viewer.wait_painted(5)
        viewer.page.keyboard.up("a")
        assert "Reconnecting" not in viewer.text()
        if how == "terminate":
            assert re.search(r"event=viewer_closed .*code=1001", gone.life)
            assert "event=stop kind=gateway" in gone.life
        gone.start()
        port = cluster.ports[gone.id]
        wait_until(lambda: cluster.answers(port, "/readyz"), "the gateway to be back")  # noqa: B023  # awaited at once


def test_who_was_locked_to_screenshots_is_locked_at_the_other_gateway(
    cluster: Cluster, balancer: Balancer, open_viewer: Open
) -> None:
    balancer.start()
    door = DelayProxy(balancer.port)
    try:
        viewer = open_viewer(link(cluster, door.port))
        viewer.wait(ON_VIDEO)
        door.delay_s = 0.12
        viewer.wait("stats.state === 'locked'")
        door.delay_s = 0.0
        viewer.wait("stats.rtt_ms < 60")
        quiet = viewer.quiet_video_bytes()
        gone, other = used(cluster)
        before = joined(other)
        gone.kill()
        wait_until(lambda: joined(other) > before, "the viewer to come to the other gateway")
        viewer.wait("stats.connection === 'open'")
        viewer.wait_painted(5)
        assert viewer.stats["state"] == "locked"
        assert viewer.stats["video_bytes"] == quiet
    finally:
        door.close()
