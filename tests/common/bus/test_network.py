"""The bus over tcp: who gets in, who does not, and keys that change while connections exist."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import zmq
import zmq.asyncio

from fanlight_common.bus import curve_keys, network
from fanlight_common.bus.directory_client import DirectoryClient
from fanlight_common.bus.network import BusNetwork
from fanlight_common.bus.sockets import SocketRole
from fanlight_common.process.settings import BusSettings
from fanlight_common.protocol import bus, topics
from tests.common.bus.members import Make, listen, until
from tests.metrics import count
from tests.ports import free_port

RECORD = bus.DeskRecord("main", True, "c", "i", "h", "o", "n", 10, 20)


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


class Feed:
    """A publisher that sends rising numbers, and knows its subscriptions."""

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
    before = count(network.denied)
    # This listener has the server's public key, which is no secret, and a key of its own.
    listeners = [listen(stranger, feed.endpoint)]
    context = zmq.asyncio.Context()
    # The next three have no key, the server's right public key, and a wrong public key.
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
    # The stranger also tries to get into an inlet.
    home = party(settings, "capture")
    inlet = home.open(SocketRole.INLET)
    endpoint = home.bind(inlet, "c", "inlet")
    forger = stranger.open(SocketRole.TELL)
    stranger.connect(forger, endpoint)
    friend = listen(party(settings, "gateway"), feed.endpoint)
    async with asyncio.timeout(15):
        for _ in range(50):  # this takes long enough for all the others, too
            await friend.recv_multipart()
    assert await asyncio.gather(*(listener.poll(0) for listener in listeners)) == [0] * 4
    with pytest.raises(zmq.Again):
        zmq.Socket.shadow(forger).send(b"a key press", zmq.DONTWAIT)
    assert await inlet.poll(200) == 0
    assert count(network.denied) > before
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
        # Keys change step by step, and the directory can be reached after each step.
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
        while await thief.poll(1500):  # the feed sends every 10 ms, if it lets the thief in
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
