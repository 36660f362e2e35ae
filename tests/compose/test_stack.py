"""The whole stack in containers, as `docker compose up` gives it, in a real Chromium."""

import contextlib
import os
import re
import shlex
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.compose.conftest import Report
from tests.compose.project import (
    BUILDS,
    LIMIT_S,
    MOVING,
    SERVICES,
    TAG,
    Container,
    Desk,
    Project,
    docker,
    image,
)
from tests.e2e.conftest import Viewer
from tests.e2e.processes import wait_ready, wait_until
from tests.ports import free_port

Open = Callable[..., Viewer]
BACKGROUND = [0x1D, 0x3A, 0x45]
UID = "10001"
NAMES = "{{.Repository}}:{{.Tag}}"


@pytest.fixture(scope="module")
def desk(project: Project) -> Desk:
    """The first desk, with a window whose text changes."""
    found = Desk(project.all("desk")[0].id)
    found.process("xterm")
    found.move()
    return found


@pytest.fixture
def three_encoders(project: Project) -> Iterator[list[Container]]:
    """Three healthy encoders. Afterwards there is one again."""
    project.up("--scale", "encoder=3", "--no-recreate")
    project.wait_healthy()
    yield project.all("encoder")
    project.up("--scale", "encoder=1", "--no-recreate")
    project.wait_healthy()


def test_up_to_the_first_picture(project: Project, open_viewer: Open, report: Report) -> None:
    # The stack starts once more from nothing, because the fixture's has been up for a while. The
    # images are there.
    project.down()
    began = time.monotonic()
    project.up()
    up_s = time.monotonic() - began
    link = wait_until(lambda: project.link("desk-1"), "a link", LIMIT_S)
    viewer = open_viewer(link)
    viewer.wait("stats.state === 'video' && stats.painted > 0", LIMIT_S)
    report(f"up took {up_s:.1f} s; first picture after {time.monotonic() - began:.1f} s")
    wait_until(lambda: near(viewer.pixels([(5, 5)])[0], BACKGROUND), "the background", LIMIT_S)
    project.wait_healthy()
    report(f"all healthy after {time.monotonic() - began:.1f} s")


def test_up_builds_what_is_not_there(images: dict[str, str], report: Report) -> None:
    # A newcomer has no image of this tag, but the engine has most of its layers.
    address = f"127.0.0.1:{free_port()}"
    name = f"fanlight-fresh-{os.getpid()}"
    fresh = Project(name, BUILDS, FANLIGHT_TAG="fresh", FANLIGHT_LISTEN=address)
    token = ["fanlight", "token", "--role", "control", "--desk", "desk-1"]
    try:
        began = time.monotonic()
        fresh.up("--build")
        report(f"up --build without images took {time.monotonic() - began:.1f} s")
        link = wait_until(
            lambda: fresh.compose("exec", "-T", "gateway", *token, check=False), "a link", LIMIT_S
        )
        assert link.startswith(f"http://{address}/?desk=desk-1#token=")
        wait_ready(f"http://{address}/readyz", limit_s=LIMIT_S)
    finally:
        fresh.down("--rmi", "all")
    assert image("desk").removesuffix(TAG) + "fresh" not in docker("image", "ls", "--format", NAMES)


def near(colour: list[int], other: list[int]) -> bool:
    """Return whether two colours are the same but for what encoding changes."""
    return all(abs(a - b) <= 8 for a, b in zip(colour, other, strict=True))


def test_typing_reaches_the_desk(project: Project, desk: Desk, open_viewer: Open) -> None:
    viewer = open_viewer(project.link("desk-1"))
    viewer.wait("stats.state === 'video' && stats.painted > 0")
    viewer.click_desk(640, 360)
    # The window manager takes its time: before, keys do not go to the window that was clicked.
    wait_until(lambda: desk.active() != MOVING, "the terminal", LIMIT_S)
    viewer.type("echo typed from afar | tee /tmp/typed")
    viewer.page.keyboard.press("Enter")
    typed = wait_until(lambda: desk.execute("cat", "/tmp/typed", check=False), "a line", LIMIT_S)
    assert typed == "typed from afar"
    assert desk.execute("stat", "-c", "%u", "/tmp/typed") == desk.uid


def test_a_screenshot_needs_a_token(project: Project, desk: Desk) -> None:
    url = f"http://127.0.0.1:{project.port('gateway', 8080)}/api/desks/desk-1/screenshot"
    assert httpx.get(url, trust_env=False).status_code == 401
    token = project.link("desk-1", role="view").partition("#token=")[2]
    bearer = {"Authorization": f"Bearer {token}"}
    # The gateway may know the desk before it knows the screenshot service.
    wait_until(
        lambda: httpx.get(url, headers=bearer, trust_env=False).status_code == 200, "a screenshot"
    )
    answer = httpx.get(url, headers=bearer, trust_env=False)
    assert answer.headers["Content-Type"] == "image/jpeg"
    # The service itself, which only the containers' network can reach, takes the same request.
    script = (
        "import sys, urllib.request as u\n"
        "r = u.Request('http://screenshot:8081/desks/desk-1/screenshot')\n"
        "if len(sys.argv) > 1: r.add_header('Authorization', 'Bearer ' + sys.argv[1])\n"
        "print(u.urlopen(r).status)"
    )
    encoder = project.all("encoder")[0]
    assert encoder.execute("python", "-c", script, token) == "200"
    assert "401" in encoder.refuses("python", "-c", script)


@pytest.mark.parametrize("service", SERVICES)
def test_nothing_is_more_than_it_has_to_be(project: Project, service: str) -> None:
    container = project.all(service)[0]
    assert container.execute("id", "-u") == UID
    assert "Read-only" in container.refuses("touch", "/opt/fanlight/x")
    assert "Read-only" in container.refuses("touch", "/var/lib/fanlight/x")
    status = dict(re.findall(r"(\w+):\t(\S*)", container.execute("cat", "/proc/1/status")))
    assert (status["CapEff"], status["CapPrm"]) == ("0" * 16, "0" * 16)
    if service == "desk":
        assert int(status["CapBnd"], 16) == 1 << 6 | 1 << 7, "SETGID and SETUID, for setpriv"
    else:
        assert (int(status["CapBnd"], 16), status["NoNewPrivs"]) == (0, "1")


def test_only_the_gateway_has_a_way_in_or_out(project: Project, images: dict[str, str]) -> None:
    for service in (*SERVICES, "memory"):
        ports = project.all(service)[0].inspect()["NetworkSettings"]["Ports"]
        published = [port for port, hosts in ports.items() if hosts]
        assert published == (["8080/tcp"] if service == "gateway" else [])
    (host,) = project.one("gateway").inspect()["NetworkSettings"]["Ports"]["8080/tcp"]
    assert host["HostIp"] == "127.0.0.1"
    with outside(f"{project.name}_public", images["encoder"]) as address:
        connect = ["timeout", "3", "bash", "-c", f"exec 3<>/dev/tcp/{address}/8000"]
        gateway = project.one("gateway")
        wait_until(lambda: succeeds(gateway, *connect), "the gateway to reach it", LIMIT_S)
        for service in ("directory", "desk", "encoder", "screenshot"):
            project.all(service)[0].refuses(*connect)


def succeeds(container: Container, *command: str) -> bool:
    """Return whether a command in the container succeeds."""
    return (
        container.execute("bash", "-c", f"{shlex.join(command)} && echo yes", check=False) == "yes"
    )


@contextlib.contextmanager
def outside(network: str, image: str) -> Iterator[str]:
    """The address of an HTTP server on port 8000 on the network that leads out."""
    server = ["--detach", "--network", network, image, "python", "-m", "http.server", "8000"]
    container = Container(docker("run", "--rm", "--init", *server))
    try:
        networks = container.inspect()["NetworkSettings"]["Networks"]
        yield networks[network]["IPAddress"]
    finally:
        docker("stop", "--time", "1", container.id)


def test_frames_go_through_shared_memory(project: Project, desk: Desk, open_viewer: Open) -> None:
    viewer = open_viewer(project.link("desk-1"))
    viewer.wait("stats.state === 'video' && stats.painted > 5")
    assert frames(desk, "shm") > 0
    before = frames(desk, "pixels")
    viewer.wait_painted(20)
    assert frames(desk, "pixels") == before


def frames(desk: Container, lane: str) -> float:
    """Return how many frames capture has published on a lane."""
    pattern = rf'fanlight_capture_frames_total{{lane="{lane}",topic="frame"}} (\S+)'
    found = re.search(pattern, desk.metrics())
    return float(found[1]) if found else 0.0


def test_without_one_ipc_namespace_frames_go_over_the_network(
    project: Project, desk: Desk, open_viewer: Open
) -> None:
    """A restart of the container that holds the IPC namespace makes another namespace."""
    encoder = project.one("encoder")
    project.compose("restart", "--timeout", "1", "memory")
    encoder.stop()
    encoder_start(encoder)
    spaces = {c.execute("readlink", "/proc/self/ns/ipc") for c in (encoder, desk)}
    assert len(spaces) == 2
    before = frames(desk, "pixels")
    viewer = open_viewer(project.link("desk-1"))
    viewer.wait("stats.state === 'video' && stats.painted > 5", LIMIT_S)
    viewer.wait_painted(10)
    assert frames(desk, "pixels") > before
    viewer.page.context.close()


def encoder_start(encoder: Container) -> None:
    docker("start", encoder.id)
    wait_until(lambda: encoder.health == "healthy", "the encoder", LIMIT_S)


def test_more_encoders_and_desks(
    project: Project, three_encoders: list[Container], open_viewer: Open
) -> None:
    project.up("--scale", "desk=3", "--scale", "encoder=3", "--no-recreate")
    project.wait_healthy()
    assert len(three_encoders) == 3
    names = {f"desk-{number}" for number in (1, 2, 3)}
    url = f"http://127.0.0.1:{project.port('gateway', 8080)}/api/desks"
    token = project.link("*").partition("#token=")[2]
    answer = httpx.get(url, headers={"Authorization": f"Bearer {token}"}, trust_env=False)
    assert names <= set(re.findall(r"desk-\d", answer.text)), answer.text
    uids = set()
    for container in project.all("desk"):
        desk = Desk(container.id)
        desk.process("xterm")
        desk.move()
        uids.add(desk.uid)
    assert len(uids) == 3, "applications of one desk are strangers to those of another"
    viewers = [open_viewer(project.link(name)) for name in sorted(names)]
    for viewer in viewers:
        viewer.wait("stats.state === 'video' && stats.painted > 5", LIMIT_S)
    serving = wait_until(
        lambda: len({e.id for e in three_encoders if streams(e) > 0}) >= 2, "two encoders at work"
    )
    assert serving
    project.up("--scale", "desk=1", "--scale", "encoder=3", "--no-recreate")


def streams(encoder: Container) -> float:
    """Return how many streams the encoder encodes."""
    found = re.search(r"^fanlight_encoder_streams (\S+)", encoder.metrics(), re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_the_encoder_in_use_killed(
    project: Project,
    desk: Desk,
    three_encoders: list[Container],
    open_viewer: Open,
    report: Report,
) -> None:
    viewer = open_viewer(project.link("desk-1"))
    viewer.wait("stats.state === 'video' && stats.painted > 5")
    (used,) = [encoder for encoder in three_encoders if streams(encoder) > 0]
    epoch, began = viewer.stats["epoch"], time.monotonic()
    docker("kill", "--signal", "KILL", used.id)
    viewer.wait(f"stats.epoch > {epoch}")
    viewer.wait_painted(1)
    report(f"an encoder killed: the next picture after {time.monotonic() - began:.1f} s")
    viewer.wait_painted(20)
    assert viewer.stats["state"] == "video"
    assert not used.inspect()["State"]["Running"], "the picture comes from another one"


def test_a_gateway_restarted_lets_in_whom_it_let_in(
    project: Project, desk: Desk, open_viewer: Open
) -> None:
    link = project.link("desk-1")
    viewer = open_viewer(link)
    viewer.wait("stats.state === 'video' && stats.painted > 5")
    # The engine gives the gateway another free port; the secret stays the same.
    project.compose("restart", "--timeout", "5", "gateway")
    project.wait_healthy()
    token = link.partition("#token=")[2]
    port = project.port("gateway", 8080)
    again = open_viewer(f"http://127.0.0.1:{port}/?desk=desk-1#token={token}")
    again.wait("stats.state === 'video' && stats.painted > 5", LIMIT_S)
    viewer.page.context.close()


def test_running_streams_do_not_notice_that_the_directory_is_away(
    project: Project, desk: Desk, open_viewer: Open
) -> None:
    """Its name cannot be resolved then, which the engine's name server takes 20 s to say."""
    viewer = open_viewer(project.link("desk-1"))
    viewer.wait("stats.state === 'video' && stats.painted > 5")
    epoch, directory = viewer.stats["epoch"], project.one("directory")
    directory.stop()
    until = time.monotonic() + 30
    while time.monotonic() < until:
        viewer.wait_painted(5, 5)
    assert viewer.stats["epoch"] == epoch
    docker("start", directory.id)
    newcomer = open_viewer(project.link("desk-1"))
    newcomer.wait("stats.state === 'video' && stats.painted > 5", LIMIT_S)
    assert viewer.stats["epoch"] == epoch


def test_keys_are_changed_while_somebody_watches(
    project: Project, desk: Desk, open_viewer: Open
) -> None:
    viewer = open_viewer(project.link("desk-1"))
    viewer.wait("stats.state === 'video' && stats.painted > 5")
    directory, file = project.one("directory"), "/var/lib/fanlight/keys/bus"
    before = directory.execute("cat", file).split()
    for count, step in enumerate(("add", "promote", "remove"), 1):
        directory.execute("fanlight", "keys", step, file)
        for service in SERVICES:
            wait_until(
                lambda s=service, n=count: project.logs(s).count("event=keys count=") >= n,  # type: ignore[misc]  # bound
                f"{service} to take the keys",
                LIMIT_S,
            )
        viewer.wait_painted(10)
    after = directory.execute("cat", file).split()
    assert len(before) == len(after) == 1
    assert before != after
    later = open_viewer(project.link("desk-1"))
    later.wait("stats.state === 'video' && stats.painted > 5", LIMIT_S)


def test_stopping_is_quick_and_leaves_nothing(project: Project, desk: Desk, report: Report) -> None:
    # The directory stops first: the others end as quickly without it.
    assert SERVICES[0] == "directory"
    for service in SERVICES:
        took_s, status = project.all(service)[0].stop()
        report(f"docker stop {service:10} {took_s:.2f} s")
        assert status in (0, 143), f"{service} was killed, or failed: {status}"
    assert all(project.leftovers().values()), "there is something to be removed"
    project.down()
    assert not any(project.leftovers().values()), project.leftovers()
