"""docker-compose.tls.yml: two gateways behind Caddy, which has an authority of its own."""

import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.compose.conftest import Report
from tests.compose.project import LIMIT_S, ROOT, Project, docker
from tests.e2e.conftest import Viewer
from tests.e2e.processes import wait_until
from tests.ports import free_port

OVERLAY = ROOT / "docker-compose.tls.yml"
CADDY = "caddy:2"
AUTHORITY = "/data/caddy/pki/authorities/local/root.crt"


@pytest.fixture(scope="module")
def caddy(images: dict[str, str], report: Report) -> str:
    """The overlay's image. If it cannot be pulled, Debian's Caddy gets its name."""
    if subprocess.run(["docker", "image", "inspect", CADDY], capture_output=True).returncode:
        pulled = subprocess.run(["docker", "pull", "--quiet", CADDY], capture_output=True)
        if pulled.returncode:
            report(f"{CADDY} could not be pulled: a stand-in was made of Debian's caddy")
            directory = str(Path(__file__).parent)
            file = str(Path(__file__).with_name("caddy.Dockerfile"))
            arguments = ["--network", "host", "--file", file, "--tag", CADDY, directory]
            docker("build", *arguments, limit_s=600)
    return CADDY


@pytest.fixture(scope="module")
def https_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def project(images: dict[str, str], caddy: str, name: str, https_port: int) -> Iterator[Project]:
    """The stack of two gateways with TLS in front."""
    made = Project(
        name,
        OVERLAY,
        FANLIGHT_HTTPS_PORT=f"127.0.0.1:{https_port}",
        FANLIGHT_HTTP_PORT="127.0.0.1:",
    )
    try:
        made.up("--scale", "gateway=2")
        made.wait_healthy()
        tls = made.one("tls")
        wait_until(lambda: tls.execute("cat", AUTHORITY, check=False), "an authority", LIMIT_S)
        wait_until(lambda: tls.health == "healthy", "Caddy to be healthy", LIMIT_S)
        yield made
    finally:
        made.down()


def test_the_certificate_is_for_the_name(project: Project, https_port: int) -> None:
    authority = project.one("tls").execute("cat", AUTHORITY)
    trusting = ssl.create_default_context(cadata=authority)
    with (
        socket.create_connection(("127.0.0.1", https_port), timeout=10) as plain,
        trusting.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        assert secure.version() in ("TLSv1.2", "TLSv1.3")
    answer = httpx.get(f"https://localhost:{https_port}/", verify=trusting, trust_env=False)
    assert answer.status_code == 200
    assert "fanlight" in answer.text
    http = project.port("tls", 80)
    moved = httpx.get(f"http://localhost:{http}/", trust_env=False)
    assert moved.status_code == 308
    assert moved.headers["Location"].startswith("https://localhost")


def test_video_and_typing_over_tls(
    project: Project, https_port: int, open_viewer: Callable[..., Viewer]
) -> None:
    # Chromium has a list of authorities of its own, so it ignores the certificate, which was
    # checked above.
    viewer = open_viewer(link(project, https_port), ignore_https_errors=True)
    viewer.wait("stats.state === 'video' && stats.painted > 0", LIMIT_S)
    assert viewer.stats["decoder"] == "WebCodecs"
    assert viewer.stats["transport"] == "websocket"
    (cookie,) = [c for c in viewer.page.context.cookies() if "fanlight" in c["name"]]
    assert cookie["secure"]
    assert cookie["httpOnly"]
    viewer.click_desk(640, 360)
    viewer.type("touch seen")
    viewer.page.keyboard.press("Enter")
    desk = project.one("desk")
    uid = desk.execute("stat", "-c", "%u", "/home/desk")
    wait_until(
        lambda: "seen" in desk.execute("ls", "/home/desk", user=uid, check=False), "it", LIMIT_S
    )


def test_a_gateway_ends_and_the_other_takes_its_viewer(
    project: Project, https_port: int, open_viewer: Callable[..., Viewer]
) -> None:
    viewer = open_viewer(link(project, https_port), ignore_https_errors=True)
    viewer.wait("stats.state === 'video' && stats.painted > 0", LIMIT_S)
    gateways = project.all("gateway")
    (used,) = [g for g in gateways if '"viewers": 1' in health(g.id)]
    docker("kill", "--signal", "KILL", used.id)
    (left,) = [g for g in gateways if g.id != used.id]
    wait_until(lambda: '"viewers": 1' in health(left.id), "the viewer there", LIMIT_S)
    viewer.wait("stats.connection === 'open' && stats.state === 'video'", LIMIT_S)


def health(id_: str) -> str:
    """Return what a gateway's /healthz says."""
    address = "http://127.0.0.1:9100/healthz"
    script = f"import urllib.request as u; print(u.urlopen('{address}').read().decode())"
    return docker("exec", id_, "python", "-c", script)


def link(project: Project, https_port: int) -> str:
    """Return a link to the address in front."""
    token = ["fanlight", "token", "--role", "control", "--desk", "desk-1"]
    url = f"https://localhost:{https_port}"
    gateway = project.all("gateway")[0]
    return gateway.execute(*token, "--url", url)
