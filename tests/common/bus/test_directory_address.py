"""Where the directory is: at which address, which processes wait for it, and for how long."""

import asyncio
import contextlib
import socket as system_socket
import threading
from pathlib import Path

import pytest

from fanlight_common.bus import curve_keys, directory_address, network
from fanlight_common.bus.directory_address import wait_for_network
from fanlight_common.bus.directory_client import DirectoryClient
from fanlight_common.bus.sockets import SocketRole
from fanlight_common.core.errors import ConfigurationError
from fanlight_common.process.settings import BusSettings
from fanlight_common.protocol import topics
from tests.common.bus.members import Make, listen, until


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


async def test_the_directory_makes_the_keys_and_the_others_wait_for_them(
    settings: BusSettings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", directory_address.log.name)
    assert settings.bus_keys is not None
    settings.bus_keys.unlink()
    waiting = threading.Thread(target=wait_for_network, args=(settings, "encoder"), daemon=True)
    waiting.start()
    await until(lambda: "event=wait" in caplog.text)
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


async def test_a_directory_that_moves_is_found_and_a_dead_name_server_holds_up_nothing(
    party: Make, settings: BusSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ZeroMQ must look up no name, because it would do so on the thread of all its messages."""
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
        # The client subscribes anew at the new address. The directory hears of the end of the old
        # subscription only if it comes before the new one: only then it was the topic's last one.
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
