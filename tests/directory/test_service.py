"""The real directory process, its real sockets, and clients that watch it."""

import asyncio
import contextlib
import inspect
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace

import httpx
import msgpack
import pytest
import zmq
import zmq.asyncio

from fanlight_common.bus.directory_client import DIRECTORY_ID, DirectoryClient
from fanlight_common.bus.network import BusNetwork
from fanlight_common.bus.sockets import SocketRole, ipc_endpoint, open_socket
from fanlight_common.process.settings import BusSettings
from fanlight_common.protocol import bus, topics

pytestmark = pytest.mark.processes
LIMIT_S = 30.0
SHORT_GRACE = "from fanlight_directory.__main__ import main; main(grace_s=0.3)"


class Process:
    """A directory on a bus of its own. Its grace is short, unless the test names the program.

    The test starts and kills it at will.
    """

    def __init__(self, settings: BusSettings, *program: str, **environment: str) -> None:
        self._program = program or ("-c", SHORT_GRACE)
        self._environment = {
            **os.environ,
            "FANLIGHT_RUNTIME_DIR": str(settings.runtime_dir),
            # The settings give it another id, which changes nothing.
            "FANLIGHT_ID": "somebody",
            "FANLIGHT_LOG_LEVEL": "DEBUG",
            **environment,
        }
        self.log = settings.runtime_dir / "log"
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.popen = subprocess.Popen(
                [sys.executable, "-W", "error", *self._program],
                env=self._environment,
                stderr=log,
            )

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.popen.send_signal(number)
        return self.popen.wait(LIMIT_S)

    @property
    def url(self) -> str:
        """Return the port of its health and metrics, which its log says."""
        (url,) = re.findall(r"health=(\S+)", self.log.read_text())[-1:]
        return str(url)


@pytest.fixture
def process(bus_settings: BusSettings) -> Iterator[Process]:
    directory = Process(bus_settings)
    yield directory
    if directory.popen.poll() is None:
        directory.end()


class Peer:
    """A process as the directory sees it: it sends heartbeats, and subscribes to records."""

    def __init__(self, settings: BusSettings) -> None:
        self.network = BusNetwork(settings, "peer")
        self.context = self.network.context
        self.client = DirectoryClient(self.network)
        self.seen: list[bus.DirectoryOutlet] = []
        self.beats: dict[str, bus.Heartbeat] = {}
        self._interval_s = settings.heartbeat_interval_s
        self._tasks = [
            asyncio.create_task(self.client.run()),
            asyncio.create_task(self._beating()),
        ]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self.context.destroy(linger=0)

    def watch(self, topic: bytes) -> Callable[[], None]:
        return self.client.watch(topic, self.seen.append)

    async def sees(self, condition: Callable[[bus.DirectoryOutlet], bool]) -> bus.DirectoryOutlet:
        """Return the next record that fits, and drops those before it."""
        async with asyncio.timeout(LIMIT_S):
            while True:
                while self.seen:
                    record = self.seen.pop(0)
                    if condition(record):
                        return record
                await asyncio.sleep(0.01)

    async def lease(self) -> bus.LeaseRecord:
        """Return the next lease."""
        record = await self.sees(lambda r: isinstance(r, bus.LeaseRecord))
        assert isinstance(record, bus.LeaseRecord)
        return record

    async def _beating(self) -> None:
        while True:
            for beat in list(self.beats.values()):
                self.client.tell(beat)
            await asyncio.sleep(self._interval_s)


def plain(kind: str, id_: str) -> bus.Heartbeat:
    return bus.Heartbeat(kind, id_, "1", "h", f"ipc://{id_}", "ipc://i", "", (), 0, 0.0, ())


CAPTURE = replace(plain("capture", "capture"), desks=(bus.DeskOffer("main", 10, 10),))
ONE = replace(plain("encoder", "one"), capacity=4)
TWO = replace(plain("encoder", "two"), capacity=4, load=0.5)


@pytest.fixture
async def peer(bus_settings: BusSettings) -> AsyncIterator[Peer]:
    one = Peer(bus_settings)
    yield one
    await one.close()


async def until(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    """Wait for a condition, plain or asynchronous, that another process makes true."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            value = condition()
            if await value if inspect.isawaitable(value) else value:
                return
            await asyncio.sleep(0.02)


async def metric(url: str, line: str) -> float:
    """Return a sample of the process's metrics, -1 while there is none.

    Asks without blocking the loop, because the loop sends the peer's heartbeats.
    """
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        text = (await client.get(f"{url}/metrics")).text
    found = re.search(rf"^{re.escape(line)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else -1


async def until_metric(url: str, line: str, value: float) -> None:
    """Wait until a sample of the process's metrics has this value."""

    async def has_it() -> bool:
        return await metric(url, line) == value

    await until(has_it)


@pytest.fixture
def patient(bus_settings: BusSettings) -> Iterator[Process]:
    """A directory that takes a peer for dead only when a dozen heartbeats are missing.

    On a busy machine a peer of the test is sometimes more than a second late.
    """
    directory = Process(bus_settings, FANLIGHT_HEARTBEAT_TIMEOUT_S="3")
    yield directory
    if directory.popen.poll() is None:
        directory.end()


async def test_a_life_of_a_lease(patient: Process, peer: Peer) -> None:
    peer.beats = {"capture": CAPTURE, "one": ONE, "two": TWO}
    end = peer.watch(topics.lease("main/high"))
    first = await peer.lease()
    assert (first.alive, first.id) == (True, "one")

    # Silence.
    del peer.beats["one"]
    second = await peer.lease()
    assert (second.alive, second.id) == (True, "two")
    assert second.epoch > first.epoch

    # Farewell, and nobody is left.
    del peer.beats["two"]
    peer.client.tell(bus.Farewell("two", "1"))
    assert not (await peer.lease()).alive

    # A process comes up again.
    peer.beats["one"] = replace(ONE, instance="2")
    third = await peer.lease()
    assert third.epoch > second.epoch
    url = patient.url
    # These are measured from time to time, and not at the moment of a change.
    await until_metric(url, "fanlight_directory_leases", 1)
    await until_metric(url, 'fanlight_directory_services{kind="encoder"}', 1)
    await until_metric(url, "fanlight_directory_desks", 1)
    # On a busy machine others may have been silent for too long as well.
    assert await metric(url, 'fanlight_directory_lease_moves_total{reason="silence"}') >= 1

    # The last subscription ends, and after the grace the lease ends.
    end()
    await until_metric(url, "fanlight_directory_leases", 0)
    assert await metric(url, 'fanlight_directory_lease_moves_total{reason="unused"}') == 1


async def test_prefixes_are_answered_too(process: Process, peer: Peer) -> None:
    peer.beats = {"capture": CAPTURE, "one": ONE}
    peer.watch(topics.SERVICES)
    await peer.sees(lambda r: isinstance(r, bus.ServiceRecord) and r.id == "one")
    # This watcher subscribes to what has been there for long.
    peer.watch(topics.DESKS)
    desk = await peer.sees(lambda r: isinstance(r, bus.DeskRecord))
    assert isinstance(desk, bus.DeskRecord)
    assert (desk.desk, desk.alive, desk.outlet) == ("main", True, "ipc://capture")


async def test_killed_and_started_again_it_leaves_running_streams_alone(
    process: Process, peer: Peer
) -> None:
    peer.beats = {"capture": CAPTURE, "one": ONE, "two": TWO}
    peer.watch(topics.lease("main/high"))
    before = await peer.lease()
    held = (bus.HeldStream("main/high", before.epoch),)
    peer.beats["one"] = replace(ONE, streams=held, load=1.0)
    process.end(signal.SIGKILL)
    process.start()
    # It is the same lease, learnt from its holder's heartbeat, and no other came before it.
    assert await peer.lease() == before
    await until(lambda: "event=joined kind=encoder id=two" in process.log.read_text())
    url = process.url
    await until_metric(url, "fanlight_directory_leases", 1)
    assert not peer.seen


async def test_nonsense_is_counted_and_harms_nothing(
    process: Process, peer: Peer, bus_settings: BusSettings
) -> None:
    inlet: zmq.Socket[bytes] = zmq.Socket.shadow(open_socket(peer.context, SocketRole.TELL))
    inlet.connect(ipc_endpoint(bus_settings.runtime_dir, DIRECTORY_ID, "inlet"))
    wrong = [
        b"",
        b"\xff" * 1000,
        bus.encode(replace(ONE, id="../one")),
        bus.encode(replace(ONE, load=float("nan"))),
        bus.encode(bus.Grab("main")),
    ]

    def sent(data: bytes) -> bool:
        try:
            inlet.send(data, zmq.DONTWAIT)
        except zmq.Again:
            return False
        return True

    for data in wrong:
        await until(lambda data=data: sent(data))  # type: ignore[misc]  # bound per turn
    peer.watch(b"lease/Main Desk/high/")
    peer.watch(b"\xfe\xff")
    peer.beats = {"capture": CAPTURE, "one": ONE}
    peer.watch(topics.lease("main/high"))
    assert (await peer.lease()).alive
    url = process.url
    assert await metric(url, 'fanlight_refused_messages_total{where="inlet"}') == len(wrong)
    assert await metric(url, 'fanlight_refused_messages_total{where="topic"}') == 2
    inlet.close()


async def test_a_later_release_is_said_once_and_harms_nothing(
    process: Process, peer: Peer, bus_settings: BusSettings
) -> None:
    inlet = open_socket(peer.context, SocketRole.TELL)
    inlet.connect(ipc_endpoint(bus_settings.runtime_dir, DIRECTORY_ID, "inlet"))
    for _ in range(5):
        await inlet.send(msgpack.packb([bus.Heartbeat.TYPE, 2, "encoder", "two"]))
        await inlet.send(msgpack.packb([99, 1]))
    peer.watch(topics.lease("main/high.vp9"))
    more = (bus.HeldStream("main/high.vp9", 7),)
    peer.beats = {"capture": CAPTURE, "one": replace(ONE, streams=more)}
    peer.watch(topics.lease("main/high"))
    assert (await peer.lease()).id == "one"
    log = process.log.read_text()
    for what in (
        "where=inlet peer=unknown what='Heartbeat' version=2 known=1",
        "where=inlet peer=unknown what='type 99' version=1 known=none",
        "where=heartbeat peer=one what='codec vp9' version=none known=none",
        "where=topic peer=unknown what='codec vp9'",
    ):
        assert log.count(f"event=not_understood {what}") == 1, log
    counted = 'fanlight_not_understood_messages_total{where="inlet"}'
    await until_metric(process.url, counted, 10)
    inlet.close(linger=0)


async def test_a_message_up_the_outlet_is_refused(
    process: Process, peer: Peer, bus_settings: BusSettings
) -> None:
    # An XSUB may send any bytes instead of a subscription.
    rogue = peer.context.socket(zmq.XSUB)
    rogue.connect(ipc_endpoint(bus_settings.runtime_dir, DIRECTORY_ID, "outlet"))
    for data in (b"\x07hello", b""):
        await rogue.send(data)
    await until(lambda: "health=" in process.log.read_text())
    url = process.url
    await until_metric(url, 'fanlight_refused_messages_total{where="topic"}', 2)
    assert process.popen.poll() is None
    rogue.close(linger=0)


async def test_it_stops_cleanly(bus_settings: BusSettings) -> None:
    process = Process(bus_settings, "-m", "fanlight_directory")
    await until(lambda: "event=start" in process.log.read_text())
    assert process.end() == 0
    assert "Traceback" not in process.log.read_text()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FANLIGHT_DIRECTORY_LOCALITY", "near"),
        ("FANLIGHT_DIRECTORY_LOCALTY", "1"),
        ("FANLIGHT_HEARTBEAT_TIMEOUT_S", "0"),
    ],
)
def test_a_wrong_setting_is_one_clear_line(
    bus_settings: BusSettings, name: str, value: str
) -> None:
    process = Process(bus_settings, "-m", "fanlight_directory", **{name: value})
    assert process.popen.wait(LIMIT_S) == 2
    (line,) = process.log.read_text().splitlines()
    assert line.startswith("fanlight-directory: ")
    assert name in line
