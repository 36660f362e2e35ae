"""The real services over tcp instead of ipc, with keys.

Who has a key watches and types, and nobody else does. Keys change while somebody watches.
"""

import contextlib
import dataclasses
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import zmq
from websockets.sync.client import ClientConnection, connect

from fanlight_common.bus import curve_keys
from fanlight_common.core.grants import Grant, Role
from fanlight_common.process import tokens
from fanlight_common.protocol import binary, bus, control, input
from tests.e2e.processes import NO_TLS, XServer, end, wait_until
from tests.e2e.xclient import KeyWindow
from tests.ports import free_port

pytestmark = [pytest.mark.x11, pytest.mark.processes]
TAKEN = "event=keys count="
"""What a process logs when it has read a changed key file."""


@dataclasses.dataclass
class Network:
    """The services of one bus over tcp, all on this machine."""

    root: Path
    display: str
    processes: dict[str, subprocess.Popen[str]] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        self.bus, self.port = free_port(2), free_port()

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def secret(self) -> Path:
        return self.root / "secret"

    def start(self, kind: str, **environment: str) -> None:
        log = (self.root / f"{kind}.log").open("w")
        self.processes[kind] = subprocess.Popen(
            [sys.executable, "-m", f"fanlight_{kind}"],
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
            env={
                **os.environ,
                "FANLIGHT_RUNTIME_DIR": str(self.root / "run"),
                "FANLIGHT_BUS_DIRECTORY": f"tcp://127.0.0.1:{self.bus}",
                "FANLIGHT_BUS_KEYS": str(self.keys),
                **environment,
            },
        )
        log.close()

    def log(self, kind: str) -> str:
        return (self.root / f"{kind}.log").read_text()

    def token(self) -> str:
        now = time.time()
        grant = Grant(Role.CONTROL, "main", int(now) + 600)
        return tokens.issue(tokens.load_secret(self.secret), grant, now)

    def listening(self) -> dict[int, int]:
        """Return the ports on which this bus's processes listen, with the process ids."""
        output = subprocess.run(["ss", "-Hltnp"], check=True, capture_output=True, text=True).stdout
        mine = {process.pid for process in self.processes.values()}
        found = {}
        for line in output.splitlines():
            port = int(line.split()[3].rsplit(":", 1)[1])
            for pid in mine:
                if f"pid={pid}," in line:
                    found[port] = pid
        return found


@pytest.fixture(scope="module")
def xserver() -> Iterator[XServer]:
    server = XServer()
    yield server
    server.close()


@pytest.fixture(scope="module")
def network(xserver: XServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    made = Network(tmp_path_factory.mktemp("network"), xserver.display)
    # The directory starts last: it makes the keys, for which the others wait.
    made.start(
        "gateway",
        FANLIGHT_GATEWAY_PORT=str(made.port),
        FANLIGHT_GATEWAY_SECRET_FILE=str(made.secret),
    )
    made.start(
        "screenshot",
        FANLIGHT_SCREENSHOT_PORT="0",
        FANLIGHT_SCREENSHOT_SECRET_FILE=str(made.secret),
    )
    made.start("encoder")
    made.start(
        "capture",
        FANLIGHT_CAPTURE_DESK="main",
        FANLIGHT_CAPTURE_SOURCE="x11",
        FANLIGHT_CAPTURE_DISPLAY=made.display,
    )
    made.start("directory")

    def ready() -> bool:
        with contextlib.suppress(httpx.HTTPError, FileNotFoundError):
            answer = httpx.get(
                f"http://127.0.0.1:{made.port}/api/desks",
                headers={"Authorization": f"Bearer {made.token()}"},
                trust_env=False,
                verify=NO_TLS,
            )
            return any(desk["state"] == "live" for desk in answer.json().get("desks", []))
        return False

    wait_until(ready, "the desk to be known to the gateway")
    yield made
    for process in made.processes.values():
        end(process)


@contextlib.contextmanager
def viewer(network: Network) -> Iterator[ClientConnection]:
    with connect(
        f"ws://127.0.0.1:{network.port}/api/desks/main/stream",
        additional_headers={"Authorization": f"Bearer {network.token()}"},
        compression=None,
        max_size=None,
        proxy=None,
    ) as connection:
        assert isinstance(control.decode_from_gateway(str(connection.recv(10))), control.Welcome)
        connection.send(
            control.Hello("network-bus", video_enabled=True, keyframes_only=False).encode()
        )
        yield connection


def next_unit(client: ClientConnection, limit_s: float) -> binary.VideoUnit:
    deadline = time.monotonic() + limit_s
    while True:
        message = client.recv(max(0.01, deadline - time.monotonic()))
        if isinstance(message, bytes):
            unit = binary.decode_from_gateway(message)
            if isinstance(unit, binary.VideoUnit):
                client.send(binary.Ack(0, unit.epoch, unit.sequence, unit.sequence).encode())
                return unit


def test_a_desk_is_watched_and_steered(network: Network, xserver: XServer) -> None:
    with KeyWindow(xserver.display) as window, viewer(network) as client:
        assert next_unit(client, 20).idr
        client.send(input.Key(True, 4).encode())
        wait_until(window.keys_seen, "the key")


def test_screenshots_come_through_the_gateway_and_want_a_token_beside_it(
    network: Network,
) -> None:
    headers = {"Authorization": f"Bearer {network.token()}"}
    path = "/desks/main/screenshot"
    with httpx.Client(trust_env=False, timeout=20) as client:
        url = f"http://127.0.0.1:{network.port}/api{path}"
        # The gateway may know the desk before it knows the screenshot service, or this the desk.
        wait_until(lambda: client.get(url, headers=headers).status_code == 200, "a screenshot")
        (own,) = [
            port
            for port, pid in network.listening().items()
            if pid == network.processes["screenshot"].pid and _is_http(client, port)
        ]
        assert client.get(f"http://127.0.0.1:{own}{path}").status_code == 401
        assert client.get(f"http://127.0.0.1:{own}{path}", headers=headers).status_code == 200


def test_without_a_key_nothing_is_seen_and_no_key_is_pressed(
    network: Network, xserver: XServer
) -> None:
    """The test tries every port on which a process listens, by every means that a stranger has."""
    context = zmq.Context()
    press = input.Key(True, 5).encode()
    told = bus.encode(bus.Input("main", "stranger", 1, press))
    listeners, pushers = [], []
    # Somebody watches a desk that changes, so that every part of the bus has something to see.
    with KeyWindow(xserver.display) as window, viewer(network) as client:
        next_unit(client, 20)
        ports = [port for port in network.listening() if port != network.port]
        # an outlet and an inlet of each of four services, and health ports
        assert len(ports) >= 2 * 4
        for port in ports:
            for key in (None, curve_keys.new()):
                sub, push = context.socket(zmq.SUB), context.socket(zmq.PUSH)
                for socket in (sub, push):
                    socket.linger = 0
                    if key is not None:
                        socket.curve_serverkey = curve_keys.new().public
                        socket.curve_secretkey, socket.curve_publickey = key.secret, key.public
                sub.subscribe(b"")
                push.immediate = 1
                sub.connect(f"tcp://127.0.0.1:{port}")
                push.connect(f"tcp://127.0.0.1:{port}")
                listeners.append(sub)
                pushers.append(push)
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline:
            window.draw()
            next_unit(client, 20)
            for push in pushers:
                with pytest.raises(zmq.Again):
                    push.send(told, zmq.DONTWAIT)
        assert not any(sub.poll(0) for sub in listeners)
        assert window.keys_seen() == []
    context.destroy(linger=0)


def test_keys_change_while_somebody_watches(network: Network, xserver: XServer) -> None:
    with KeyWindow(xserver.display) as window, viewer(network) as client:
        next_unit(client, 20)
        epoch = 0
        for count, step in enumerate((curve_keys.add, curve_keys.promote, curve_keys.remove), 1):
            step(network.keys)
            # Pictures come all the time until every process has read the file.
            deadline = time.monotonic() + 30
            while any(network.log(k).count(TAKEN) < count for k in network.processes):
                assert time.monotonic() < deadline, {k: network.log(k) for k in network.processes}
                window.draw()
                epoch = next_unit(client, 10).epoch
            for _ in range(10):
                window.draw()
                epoch = next_unit(client, 10).epoch
        for kind in network.processes:
            assert network.log(kind).count(TAKEN) == 3, network.log(kind)
            assert network.processes[kind].poll() is None
        client.send(input.Key(True, 6).encode())
        wait_until(window.keys_seen, "the key")
        assert epoch


def test_no_secret_is_logged(network: Network) -> None:
    secrets = [key.secret.decode() for key in curve_keys.load(network.keys)] + [network.token()]
    for kind in network.processes:
        assert not any(secret in network.log(kind) for secret in secrets)


def _is_http(client: httpx.Client, port: int) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return client.get(f"http://127.0.0.1:{port}/desks", timeout=2).status_code == 401
    return False
