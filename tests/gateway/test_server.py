"""The HTTP server inside a worker's loop, and both of its users as real processes."""

import asyncio
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from fanlight_common.core.errors import ConfigurationError
from fanlight_common.core.grants import Grant, Role
from fanlight_common.process import http, tokens
from fanlight_common.process.settings import BusSettings
from fanlight_common.process.uvicorn_server import WorkerServer
from tests.screenshot.fakes import FakeCapture, FakeDirectory, until


def close(sockets: list[socket.socket]) -> None:
    for one in sockets:
        one.close()


def test_a_port_that_is_taken_is_named_with_its_setting() -> None:
    sockets = http.listen("127.0.0.1", 0, "FANLIGHT_X_")
    port = sockets[0].getsockname()[1]
    with pytest.raises(ConfigurationError, match=f"FANLIGHT_X_PORT {port}"):
        http.listen("127.0.0.1", port, "FANLIGHT_X_")
    close(sockets)


def test_an_address_of_another_machine() -> None:
    for host in ("192.0.2.1", "no such host"):
        with pytest.raises(ConfigurationError, match="FANLIGHT_X_HOST"):
            http.listen(host, 0, "FANLIGHT_X_")


def test_all_addresses_of_a_name_share_a_port(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, 0))
        for host in ("192.0.2.1", "127.0.0.1", "127.0.0.2")  # the first is not this machine's
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    sockets = http.listen("localhost", 0, "FANLIGHT_X_")
    assert [s.getsockname()[0] for s in sockets] == ["127.0.0.1", "127.0.0.2"]
    assert len({s.getsockname()[1] for s in sockets}) == 1
    close(sockets)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [])
    with pytest.raises(ConfigurationError, match="no address"):
        http.listen("localhost", 0, "FANLIGHT_X_")


def test_base_url() -> None:
    sockets = http.listen("127.0.0.1", 0, "FANLIGHT_X_")
    port = sockets[0].getsockname()[1]
    assert http.base_url("127.0.0.1", sockets, "10.0.0.7") == f"http://127.0.0.1:{port}"
    assert http.base_url("::1", sockets, "10.0.0.7") == f"http://[::1]:{port}"
    for everywhere in ("0.0.0.0", "::", ""):
        assert http.base_url(everywhere, sockets, "10.0.0.7") == f"http://10.0.0.7:{port}"
    for address in ("fd00::7", "[fd00::7]"):
        assert http.base_url("::", sockets, address) == f"http://[fd00::7]:{port}"
    close(sockets)


@pytest.mark.parametrize("step", ["startup", "main_loop"])
@pytest.mark.parametrize("error", [None, OSError("no port")])
async def test_a_server_that_ends_by_itself_ends_the_block(
    monkeypatch: pytest.MonkeyPatch, step: str, error: OSError | None
) -> None:
    async def end(server: WorkerServer, *_: object, **__: object) -> None:
        server.should_exit = True
        if error is not None:
            raise error

    monkeypatch.setattr(WorkerServer, step, end)
    sockets = http.listen("127.0.0.1", 0, "FANLIGHT_X_")
    with pytest.raises(ExceptionGroup) as caught:
        async with asyncio.timeout(5), http.serving(None, sockets):
            await asyncio.Event().wait()
    assert caught.group_contains(OSError if error else RuntimeError)
    close(sockets)


@pytest.fixture
def bus_settings() -> Iterator[BusSettings]:
    directory = Path(tempfile.mkdtemp(prefix="fl-"))
    yield BusSettings(runtime_dir=directory)
    shutil.rmtree(directory)


@pytest.fixture
async def directory(bus_settings: BusSettings) -> AsyncIterator[FakeDirectory]:
    fake = FakeDirectory(bus_settings)
    yield fake
    await fake.close()


async def start(kind: str, bus: BusSettings, **settings: str) -> asyncio.subprocess.Process:
    """The very command that the containers run."""
    own = {f"FANLIGHT_{kind.upper()}_{name.upper()}": value for name, value in settings.items()}
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    state = {"XDG_STATE_HOME": str(bus.runtime_dir)}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        f"fanlight_{kind}",
        env={**kept, **state, "FANLIGHT_RUNTIME_DIR": str(bus.runtime_dir), **own},
        stderr=asyncio.subprocess.PIPE,
    )


@pytest.mark.processes
@pytest.mark.parametrize("kind", ["gateway", "screenshot"])
async def test_a_process_starts_serves_and_stops(
    bus_settings: BusSettings, directory: FakeDirectory, kind: str
) -> None:
    process = await start(kind, bus_settings, port="0")
    await until(lambda: any(beat.http for beat in directory.heartbeats.values()))
    (beat,) = directory.heartbeats.values()
    async with httpx.AsyncClient(base_url=beat.http, trust_env=False) as client:
        assert (await client.get("/healthz")).json() == {"healthy": True}
        process.send_signal(signal.SIGTERM)
        _, log = await process.communicate()
    assert process.returncode == 0
    assert b"Traceback" not in log
    assert b"ERROR" not in log
    if kind == "gateway":
        assert (bus_settings.runtime_dir / "fanlight" / "secret").stat().st_mode & 0o777 == 0o600


@pytest.mark.processes
@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("gateway", {"port": "x"}),
        ("gateway", {"hots": "x"}),
        ("gateway", {"host": "192.0.2.1"}),
        ("screenshot", {"threads": "0"}),
        ("screenshot", {"host": "192.0.2.1"}),
    ],
)
async def test_a_wrong_setting_is_one_line_that_names_it(
    bus_settings: BusSettings, kind: str, settings: dict[str, str]
) -> None:
    process = await start(kind, bus_settings, **settings)
    _, log = await process.communicate()
    assert process.returncode == 2
    (name,) = settings
    line = log.decode().splitlines()[-1]
    assert line.startswith(f"fanlight-{kind}: ")
    assert f"FANLIGHT_{kind.upper()}_{name.upper()}" in line
    assert "Traceback" not in log.decode()


@pytest.mark.processes
async def test_both_are_started_at_once_with_a_secret_that_is_not_there_yet(
    bus_settings: BusSettings, directory: FakeDirectory
) -> None:
    secret_file = bus_settings.runtime_dir / "both" / "secret"
    kinds = ("gateway", "screenshot")
    processes = await asyncio.gather(
        *(start(kind, bus_settings, port="0", secret_file=str(secret_file)) for kind in kinds)
    )
    capture = FakeCapture(directory)
    capture.announce()
    try:
        await until(lambda: {b.kind for b in directory.heartbeats.values() if b.http} == {*kinds})
        urls = {beat.kind: beat.http for beat in directory.heartbeats.values()}
        grant = Grant(Role.VIEW, "main", int(time.time()) + 60)
        token = tokens.issue(tokens.load_secret(secret_file), grant, time.time())
        async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
            direct = await client.get(f"{urls['screenshot']}/desks/main/screenshot")
            assert direct.status_code == 401

            async def is_passed_on() -> bool:
                answer = await client.get(
                    f"{urls['gateway']}/api/desks/main/screenshot",
                    headers={"Authorization": f"Bearer {token}"},
                )
                return answer.status_code == 200

            await until(is_passed_on)
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        logs = [await process.communicate() for process in processes]
        await capture.close()
    assert [process.returncode for process in processes] == [0, 0]
    assert b"screenshot_service_refuses" not in b"".join(log for _, log in logs)
