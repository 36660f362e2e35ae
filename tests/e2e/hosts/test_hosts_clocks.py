"""Ages are right although the processes' monotonic clocks are hours apart, as those of hosts are.

Each process has a time namespace of its own, and an IPC namespace of its own, so that the pixels
travel as they do between hosts.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import connect

from fanlight_common.core.grants import Grant, Role
from fanlight_common.process import tokens
from fanlight_common.protocol import binary, control
from tests.e2e.processes import end, wait_ready
from tests.ports import free_port

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root makes time namespaces"),
]

BOOTED_S = {
    "directory": 300_000,
    "capture": 100_000,
    "encoder": 700_000,
    "screenshot": 200_000,
    "gateway": 500_000,
}
"""Seconds by which each process's host has been up longer than this machine."""
SCREENSHOT = "/api/desks/main/screenshot"
OLD_US = 20_000_000
"""Microseconds: far more than any picture's age on a busy machine, far less than the clocks differ
by."""


class Hosts:
    """The services, each on a host of its own as far as clocks and shared memory go."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bus, self.port = free_port(2), free_port()
        self.processes: list[subprocess.Popen[str]] = []

    def start(self, kind: str, **settings: object) -> None:
        prefix = f"FANLIGHT_{kind.upper()}_"
        with (self.root / f"{kind}.log").open("w") as log:
            process = subprocess.Popen(
                [
                    *("unshare", "--ipc", "--time", "--monotonic", str(BOOTED_S[kind])),
                    *("--fork", "--kill-child=SIGTERM"),
                    *(sys.executable, "-m", f"fanlight_{kind}"),
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
                env={
                    **os.environ,
                    "FANLIGHT_RUNTIME_DIR": str(self.root / "run"),
                    "FANLIGHT_BUS_DIRECTORY": f"tcp://127.0.0.1:{self.bus}",
                    "FANLIGHT_BUS_KEYS": str(self.root / "keys"),
                    **{prefix + name.upper(): str(value) for name, value in settings.items()},
                },
            )
        self.processes.append(process)

    def children(self) -> list[int]:
        """Return the process ids of the services, which are the children of `unshare`."""
        lists = [Path(f"/proc/{p.pid}/task/{p.pid}/children") for p in self.processes]
        return [int(child) for one in lists for child in one.read_text().split()]

    def log(self, kind: str) -> str:
        return (self.root / f"{kind}.log").read_text()

    def token(self) -> str:
        now = time.time()
        secret = tokens.load_secret(self.root / "secret")
        return tokens.issue(secret, Grant(Role.VIEW, "main", int(now) + 600), now)

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token()}"}

    def url(self, path: str) -> str:
        """Return the gateway's URL of this path."""
        return f"http://127.0.0.1:{self.port}{path}"


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    made = Hosts(tmp_path_factory.mktemp("hosts"))
    secret = made.root / "secret"
    tokens.load_secret(secret)
    made.start("directory")
    made.start("capture", desk="main", source="pattern")
    made.start("encoder")
    made.start("screenshot", port=0, secret_file=secret)
    made.start("gateway", port=made.port, secret_file=secret)
    wait_ready(made.url(SCREENSHOT), token=made.token())
    yield made
    # `unshare` itself ignores SIGTERM.
    for child in made.children():
        os.kill(child, signal.SIGTERM)
    for process in made.processes:
        process.wait(10)
        end(process)


def test_the_hosts_clocks_differ(hosts: Hosts) -> None:
    """Without different clocks the other tests would prove nothing."""
    read = [sys.executable, "-c", "import time; print(time.monotonic())"]
    clocks_s = [
        float(subprocess.check_output(["nsenter", f"--time=/proc/{child}/ns/time", "--", *read]))
        for child in hosts.children()
    ]
    ahead_s = [round((clock_s - time.monotonic()) / 1000) * 1000 for clock_s in clocks_s]
    assert sorted(ahead_s) == sorted(BOOTED_S.values())


def test_the_age_of_video_is_right(hosts: Hosts) -> None:
    ages_us = []
    with connect(
        f"ws://127.0.0.1:{hosts.port}/api/desks/main/stream",
        additional_headers=hosts.headers(),
        compression=None,
        max_size=None,
        proxy=None,
    ) as client:
        assert isinstance(control.decode_from_gateway(str(client.recv(10))), control.Welcome)
        hello = control.Hello("many-clocks", video_enabled=True, keyframes_only=False)
        client.send(hello.encode())
        newest: binary.VideoUnit | None = None
        while len(ages_us) < 20:
            message = client.recv(30)
            if isinstance(message, str):
                continue
            match binary.decode_from_gateway(message):
                case binary.VideoUnit() as unit:
                    newest = unit
                    client.send(binary.Ack(0, unit.epoch, unit.sequence, unit.sequence).encode())
                    client.send(binary.Ping(unit.sequence, 1).encode())
                case binary.Pong() as pong if newest is not None:
                    ages_us.append(pong.gateway_us - newest.captured_us)
    assert all(0 < age_us < OLD_US for age_us in ages_us), ages_us
    assert "lane=pixels" in hosts.log("encoder")


def test_the_age_of_screenshots_is_right(hosts: Hosts) -> None:
    """The header's time is in the same clock as that of pongs."""
    answer = httpx.get(hosts.url(SCREENSHOT), headers=hosts.headers(), trust_env=False)
    captured_us = int(answer.headers["X-Fanlight-Captured-Us"])
    assert 0 < time.time_ns() // 1000 - captured_us < OLD_US
