"""The bus over tcp: who gets in, who does not, and keys that change under running connections."""

import asyncio
import contextlib
import socket as system_socket
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import zmq
import zmq.asyncio

from fanlight_common.bus import curve_keys, directory_address, network
from fanlight_common.bus.directory_address import wait_for_network
from fanlight_common.bus.directory_client import DirectoryClient
from fanlight_common.bus.network import BusNetwork
from fanlight_common.bus.sockets import SocketRole
from fanlight_common.core.errors import ConfigurationError
from fanlight_common.process.settings import BusSettings
from fanlight_common.protocol import bus, topics
from tests.ports import free_port

RECORD = bus.DeskRecord("main", True, "c", "i", "h", "o", "n", 10, 20)


async def until(condition: Callable[[], object], limit_s: float = 15) -> None:
    async with asyncio.timeout(limit_s):
        while not condition():  # noqa: ASYNC110 - something else makes it true
            await asyncio.sleep(0.01)


@pytest.fixture
def settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> BusSettings:
    """A bus whose members look often whether its keys have changed, and say when they have."""
    monkeypatch.setattr(network, "_LOOK_S", 0.1)
    caplog.set_level("INFO", network.log.name)
    curve_keys.create(tmp_path / "keys")
    return BusSettings(
        runtime_dir=tmp_path,
        bus_directory=f"tcp://127.0.0.1:{free_port(2)}",
        bus_keys=tmp_path / "keys",
    )


async def change_keys(
    step: Callable[[Path], object],
    settings: BusSettings,
    members: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Change the key file by one step, and wait until so many members have taken it."""
    assert settings.bus_keys is not None
    before = caplog.text.count("event=keys count=")
    step(settings.bus_keys)
    await until(lambda: caplog.text.count("event=keys count=") == before + members)


class Keeping(BusNetwork):
    """Keeps its sockets, which a test may leave lying about, until it is closed."""

    def __init__(self, settings: BusSettings, kind: str) -> None:
        self.kept: list[zmq.asyncio.Socket] = []
        super().__init__(settings, kind)

    def open(self, role: SocketRole) -> zmq.asyncio.Socket:
        self.kept.append(super().open(role))
        return self.kept[-1]


class Party:
    """A transport that runs."""

    def __init__(self, settings: BusSettings, kind: str) -> None:
        self.transport = Keeping(settings, kind)
        self.running = asyncio.create_task(self.transport.run())

    async def close(self) -> None:
        self.running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.running
        self.transport.close(0)


@pytest.fixture
async def party() -> AsyncIterator[Callable[[BusSettings, str], BusNetwork]]:
    made: list[Party] = []

    def make(settings: BusSettings, kind: str) -> BusNetwork:
        made.append(Party(settings, kind))
        return made[-1].transport

    yield make
    for each in reversed(made):
        await each.close()


Make = Callable[[BusSettings, str], BusNetwork]


class Feed:
    """A publisher that counts, and who listens to it."""

    def __init__(self, server: BusNetwork) -> None:
        self.outlet = server.open(SocketRole.ENCODER_OUTLET)
        self.endpoint = server.bind(self.outlet, "feed", "outlet")
        self.subscribed: set[bytes] = set()
        self.tasks = [asyncio.create_task(self.publish()), asyncio.create_task(self.follow())]

    async def publish(self) -> None:
        for number in range(1_000_000):
            await self.outlet.send_multipart([b"unit", str(number).encode()])
            await asyncio.sleep(0.01)

    async def follow(self) -> None:
        while True:
            message = await self.outlet.recv()
            (self.subscribed.add if message[0] else self.subscribed.discard)(message[1:])

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


@pytest.fixture
async def feed(party: Make, settings: BusSettings) -> AsyncIterator[Feed]:
    made = Feed(party(settings, "encoder"))
    yield made
    await made.close()


def listen(transport: BusNetwork, endpoint: str) -> zmq.asyncio.Socket:
    socket = transport.open(SocketRole.UNITS)
    socket.subscribe(b"unit")
    transport.connect(socket, endpoint)
    return socket


async def test_whoever_has_the_key_is_heard(party: Make, feed: Feed, settings: BusSettings) -> None:
    assert feed.endpoint.startswith("tcp://127.0.0.1:")
    listener = listen(party(settings, "gateway"), feed.endpoint)
    async with asyncio.timeout(15):
        assert (await listener.recv_multipart())[0] == b"unit"


async def test_nobody_else_hears_or_tells_anything(
    party: Make, feed: Feed, settings: BusSettings, tmp_path: Path
) -> None:
    curve_keys.create(tmp_path / "forged")
    stranger = party(settings.model_copy(update={"bus_keys": tmp_path / "forged"}), "gateway")
    address = feed.endpoint.partition("#")[0]
    before = network.denied._value.get()
    # With the server's public key, which is no secret, and a key of their own.
    listeners = [listen(stranger, feed.endpoint)]
    context = zmq.asyncio.Context()
    # Without any key; with the server's as it is; with a wrong idea of the server's.
    for server in (
        None,
        curve_keys.public_z85(feed.endpoint.partition("#")[2]),
        curve_keys.new().public,
    ):
        socket = context.socket(zmq.SUB)
        if server is not None:
            socket.curve_serverkey = server
            socket.curve_publickey, socket.curve_secretkey = zmq.curve_keypair()
        socket.subscribe(b"")
        socket.connect(address)
        listeners.append(socket)
    # And into an inlet.
    home = party(settings, "capture")
    inlet = home.open(SocketRole.INLET)
    endpoint = home.bind(inlet, "c", "inlet")
    forger = stranger.open(SocketRole.TELL)
    stranger.connect(forger, endpoint)
    friend = listen(party(settings, "gateway"), feed.endpoint)
    async with asyncio.timeout(15):
        for _ in range(50):  # long enough for all the others, too
            await friend.recv_multipart()
    assert await asyncio.gather(*(listener.poll(0) for listener in listeners)) == [0] * 4
    with pytest.raises(zmq.Again):
        zmq.Socket.shadow(forger).send(b"a key press", zmq.DONTWAIT)
    assert await inlet.poll(200) == 0
    assert network.denied._value.get() > before
    context.destroy(linger=0)


async def test_records_reach_who_watches_and_beats_reach_the_directory(
    party: Make, settings: BusSettings, caplog: pytest.LogCaptureFixture
) -> None:
    home = party(settings, "directory")
    outlet, inlet = home.open(SocketRole.DIRECTORY_OUTLET), home.open(SocketRole.INLET)
    home.bind(outlet, "directory", "outlet")
    home.bind(inlet, "directory", "inlet")
    client = DirectoryClient(party(settings, "gateway"))
    running = asyncio.create_task(client.run())
    seen: list[bus.DirectoryOutlet] = []
    client.watch(topics.desk("main"), seen.append)
    async with asyncio.timeout(15):
        assert await outlet.recv() == b"\x01" + topics.desk("main")
    await outlet.send_multipart([topics.desk("main"), bus.encode(RECORD)])
    await until(lambda: seen == [RECORD])

    async def told() -> bytes:
        while not await inlet.poll(10):
            client.tell(bus.Farewell("x", "y"))
        return bytes(await inlet.recv())

    async with asyncio.timeout(15):
        assert bus.decode_directory_inlet(await told()) == bus.Farewell("x", "y")
        # Keys change step by step, and after each the directory is reached.
        for step in (curve_keys.add, curve_keys.promote, curve_keys.remove):
            await change_keys(step, settings, 2, caplog)
            while await inlet.poll(0):
                await inlet.recv()
            await told()
            seen.clear()
            while not seen:
                await outlet.send_multipart([topics.desk("main"), bus.encode(RECORD)])
                await asyncio.sleep(0.02)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


async def test_keys_change_and_nobody_is_shut_out_but_who_has_only_the_old_one(
    party: Make,
    feed: Feed,
    settings: BusSettings,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert settings.bus_keys is not None
    thief_keys = tmp_path / "stolen"
    thief_keys.write_bytes(settings.bus_keys.read_bytes())
    thief_keys.chmod(0o600)
    friend = listen(party(settings, "gateway"), feed.endpoint)
    thief = listen(
        party(settings.model_copy(update={"bus_keys": thief_keys}), "gateway"), feed.endpoint
    )
    async with asyncio.timeout(15):
        last = int((await friend.recv_multipart())[1])
        await thief.recv_multipart()
    for step in (curve_keys.add, curve_keys.promote, curve_keys.remove):
        await change_keys(step, settings, 2, caplog)
        while await friend.poll(0):
            last = int((await friend.recv_multipart())[1])
        async with asyncio.timeout(15):
            assert int((await friend.recv_multipart())[1]) > last
    async with asyncio.timeout(15):
        while await thief.poll(1500):  # every 10 ms there is something for who is let in
            await thief.recv_multipart()


async def test_a_spoilt_key_file_changes_nothing(
    party: Make, feed: Feed, settings: BusSettings, caplog: pytest.LogCaptureFixture
) -> None:
    assert settings.bus_keys is not None
    listener = listen(party(settings, "gateway"), feed.endpoint)
    settings.bus_keys.write_bytes(b"oops\n")
    await until(lambda: "state=kept" in caplog.text)
    async with asyncio.timeout(15):
        await listener.recv_multipart()


async def test_a_key_file_that_was_open_to_others_is_taken_once_it_is_not(
    party: Make, settings: BusSettings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    assert settings.bus_keys is not None
    party(settings, "gateway")
    await asyncio.sleep(0)
    curve_keys.add(settings.bus_keys)
    settings.bus_keys.chmod(0o644)
    await until(lambda: "state=kept" in caplog.text)
    settings.bus_keys.chmod(0o600)
    await until(lambda: "event=keys count=2" in caplog.text)


@pytest.mark.parametrize("endpoint", ["tcp://no host:1#" + "0" * 64, "tcp://127.0.0.1:1", "", "#"])
async def test_what_is_no_endpoint_leads_nowhere_and_ends_nobody(
    party: Make, settings: BusSettings, caplog: pytest.LogCaptureFixture, endpoint: str
) -> None:
    listen(party(settings, "gateway"), endpoint)
    assert "event=no_endpoint" in caplog.text


def has_ipv6() -> bool:
    try:
        with system_socket.socket(system_socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no ::1")
async def test_the_directory_is_reached_by_either_kind_of_address(
    party: Make, settings: BusSettings
) -> None:
    port = settings.bus_directory.rpartition(":")[2]
    home = party(settings, "directory")
    outlet = home.open(SocketRole.DIRECTORY_OUTLET)
    home.bind(outlet, "directory", "outlet")
    for host in ("127.0.0.1", "[::1]"):
        told = settings.model_copy(update={"bus_directory": f"tcp://{host}:{port}"})
        member = party(told, "gateway")
        listen(member, member.directory()[0][0])
        async with asyncio.timeout(15):
            assert await outlet.recv() == b"\x01unit"


def test_a_network_without_keys_is_refused(tmp_path: Path) -> None:
    settings = BusSettings(runtime_dir=tmp_path, bus_directory="tcp://127.0.0.1:7400")
    with pytest.raises(ConfigurationError, match="FANLIGHT_BUS_KEYS"):
        wait_for_network(settings, "encoder")


def test_the_directory_makes_the_keys_and_the_others_wait_for_them(settings: BusSettings) -> None:
    assert settings.bus_keys is not None
    settings.bus_keys.unlink()
    waiting = threading.Thread(target=wait_for_network, args=(settings, "encoder"), daemon=True)
    waiting.start()
    time.sleep(0.3)  # it looks ten times a second, and still waits
    assert waiting.is_alive()
    wait_for_network(settings, "directory")
    waiting.join(10)
    assert not waiting.is_alive()
    assert len(curve_keys.load(settings.bus_keys)) == 1


def test_waiting_ends(settings: BusSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory_address, "WAIT_S", 0.2)
    lost = settings.model_copy(update={"bus_directory": "tcp://nowhere.invalid:7400"})
    with pytest.raises(ConfigurationError, match=r"nowhere\.invalid"):
        wait_for_network(lost, "encoder")


async def test_what_others_are_told(party: Make, settings: BusSettings) -> None:
    ports = free_port(2)
    told = settings.model_copy(update={"bus_address": "desk.example", "bus_port": ports})
    server = party(told, "capture")
    endpoints = [
        server.bind(server.open(role), "c", name)
        for role, name in ((SocketRole.CAPTURE_OUTLET, "outlet"), (SocketRole.INLET, "inlet"))
    ]
    addresses, names = zip(*(endpoint.split("#") for endpoint in endpoints), strict=True)
    assert addresses == (f"tcp://desk.example:{ports}", f"tcp://desk.example:{ports + 1}")
    assert names[0] == names[1]
    assert len(bytes.fromhex(names[0])) == 32


async def test_a_directory_that_moves_is_found_and_a_dead_name_server_holds_up_nothing(
    party: Make, settings: BusSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ZeroMQ never looks a name up: it would do so on the thread that carries everything."""
    asked, answer = threading.Event(), threading.Event()
    answer.set()
    at = ["127.0.0.1"]

    def look_up(host: str, port: int, **_: object) -> list[object]:
        assert host == "directory.invalid"
        asked.set()
        answer.wait()
        return [(system_socket.AF_INET, system_socket.SOCK_DGRAM, 0, "", (at[0], port))]

    monkeypatch.setattr(directory_address.socket, "getaddrinfo", look_up)
    monkeypatch.setattr(network, "_NAME_S", 0.01)
    port = settings.bus_directory.rpartition(":")[2]
    named = settings.model_copy(update={"bus_directory": f"tcp://directory.invalid:{port}"})
    home = party(named, "directory")
    outlet = home.open(SocketRole.DIRECTORY_OUTLET)
    home.bind(outlet, "directory", "outlet")
    member = party(named, "gateway")
    client = DirectoryClient(member)
    running = asyncio.create_task(client.run())
    try:
        client.watch(topics.desk("main"), lambda record: None)
        async with asyncio.timeout(15):
            assert await outlet.recv() == b"\x01" + topics.desk("main")
        at[0] = "127.0.0.2"
        await until(lambda: member.directory()[0][0].startswith(f"tcp://127.0.0.2:{port}#"))
        # Subscribed anew, there. The directory is told of the end of the old subscription only if
        # that comes before the new one, because only then it was the last one of this topic.
        async with asyncio.timeout(15):
            told = await outlet.recv()
            if told == b"\x00" + topics.desk("main"):
                told = await outlet.recv()
            assert told == b"\x01" + topics.desk("main")
        answer.clear()
        asked.clear()
        await until(asked.is_set)
        member.close(0)
        assert member.context.closed, "although the name server has not answered yet"
    finally:
        answer.set()
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
