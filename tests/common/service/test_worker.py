"""The worker: sockets, heartbeats, farewell, health; what `run` does with signals and errors."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from fanlight_common.bus.inlet_connections import InletConnections
from fanlight_common.bus.inlet_messages import inlet_messages, refused
from fanlight_common.bus.network import BusNetwork
from fanlight_common.bus.sockets import SocketRole, ipc_endpoint
from fanlight_common.core.errors import ConfigurationError, ProtocolError
from fanlight_common.process.settings import BusSettings
from fanlight_common.protocol import bus, topics
from fanlight_common.service import worker as worker_module
from fanlight_common.service.worker import Worker
from tests.common.fakes import FakeDirectory
from tests.metrics import count


@pytest.fixture
async def directory(bus_settings: BusSettings) -> AsyncIterator[FakeDirectory]:
    fake = FakeDirectory(bus_settings)
    yield fake
    fake.close()


@contextlib.asynccontextmanager
async def serving(settings: BusSettings) -> AsyncIterator[Worker]:
    worker = Worker("encoder", settings, SocketRole.ENCODER_OUTLET)
    ready = asyncio.Event()

    async def main(_: Worker) -> None:
        ready.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(worker.serve(main))
    await ready.wait()
    try:
        yield worker
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_heartbeats_say_what_is_offered_and_a_farewell_ends_them(
    bus_settings: BusSettings, directory: FakeDirectory
) -> None:
    async with serving(bus_settings) as worker:
        beat = await directory.told()
        assert isinstance(beat, bus.Heartbeat)
        assert (beat.kind, beat.id) == ("encoder", f"encoder-{os.getpid()}")
        assert beat.outlet == worker.outlet_endpoint
        assert beat.load == 0.0
        worker.offer.load = 0.5
        worker.announce()
        while (beat := await directory.told()).load != 0.5:  # type: ignore[union-attr]
            pass
    while not isinstance(beat := await directory.told(), bus.Farewell):
        pass
    assert beat.instance == worker.instance


async def test_records_reach_watchers_until_they_end(
    bus_settings: BusSettings, directory: FakeDirectory
) -> None:
    record = bus.DeskRecord("main", True, "c", "i", "h", "o", "n", 10, 20)
    async with serving(bus_settings) as worker:
        present = topics.presence(worker.id, worker.instance)
        assert await directory.outlet.recv() == b"\x01" + present
        seen: asyncio.Queue[bus.DirectoryOutlet] = asyncio.Queue()
        end = worker.directory.watch(topics.desk("main"), seen.put_nowait)
        assert await directory.outlet.recv() == b"\x01" + topics.desk("main")
        await directory.outlet.send_multipart([topics.desk("main"), b"rubbish"])
        await directory.publish(topics.desk("main"), record)
        assert await seen.get() == record
        # A later watch gets the known records at once, also if its topic is a prefix.
        everything: asyncio.Queue[bus.DirectoryOutlet] = asyncio.Queue()
        end_everything = worker.directory.watch(topics.DESKS, everything.put_nowait)
        assert everything.get_nowait() == record
        assert await directory.outlet.recv() == b"\x01" + topics.DESKS
        end()
        assert await directory.outlet.recv() == b"\x00" + topics.desk("main")
        end_everything()
        assert await directory.outlet.recv() == b"\x00" + topics.DESKS
        assert worker.directory.records == {}


async def test_an_inlet_counts_what_is_no_message(bus_settings: BusSettings) -> None:
    async with serving(bus_settings) as worker:
        got: asyncio.Queue[object] = asyncio.Queue()
        reading = asyncio.create_task(
            inlet_messages(worker.inlet, bus.decode_encoder_inlet, got.put_nowait)
        )
        before = count(refused, where="inlet")
        inlets = InletConnections(worker.network)
        inlets.connect(worker.inlet_endpoint)
        for data in (b"rubbish", bus.encode(bus.ForceIdr("main/high"))):
            assert inlets.tell(worker.inlet_endpoint, data)
        assert await got.get() == bus.ForceIdr("main/high")
        assert count(refused, where="inlet") == before + 1
        reading.cancel()
        inlets.disconnect(worker.inlet_endpoint)
        inlets.disconnect(worker.inlet_endpoint)


async def test_health_and_metrics_are_served(
    bus_settings: BusSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(bus_settings) as worker, httpx.AsyncClient(trust_env=False) as client:
        url = worker.health.url
        answer = await client.get(f"{url}/healthz")
        assert (answer.status_code, answer.json()["healthy"]) == (200, True)
        worker.healthy = lambda: (False, {"reason": "display away"})
        answer = await client.get(f"{url}/healthz")
        assert answer.status_code == 503
        assert answer.json()["reason"] == "display away"
        assert "fanlight_refused_messages_total" in (await client.get(f"{url}/metrics")).text
        assert (await client.get(f"{url}/secret")).status_code == 404
        # The server has a thread of its own, which answers while the loop is blocked.
        monkeypatch.setattr(worker_module, "HANG_LIMIT_S", 0.3)
        with httpx.Client(trust_env=False) as blocking:
            while True:
                answer = blocking.get(f"{url}/healthz")  # noqa: ASYNC212 - blocks the loop
                assert answer.status_code == 503
                if "hangs" in answer.json()["reason"]:
                    break


async def test_a_taken_port_and_a_long_path_are_configuration_errors(
    bus_settings: BusSettings,
) -> None:
    async with serving(bus_settings) as worker:
        port = int(worker.health.url.rsplit(":", 1)[1])
        taken = bus_settings.model_copy(update={"health_port": port, "id": "other"})
        with pytest.raises(ConfigurationError, match="FANLIGHT_HEALTH_PORT"):
            Worker("encoder", taken, None)
    with pytest.raises(ConfigurationError, match="too long"):
        ipc_endpoint(Path("/" + "x" * 120), "a", "inlet")
    with pytest.raises(ProtocolError, match="not a name"):
        Worker("encoder", bus_settings.model_copy(update={"id": "No Name"}), None)


async def test_a_worker_that_cannot_be_made_closes_its_sockets(
    bus_settings: BusSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    networks: list[BusNetwork] = []

    def fail(network: BusNetwork) -> None:
        networks.append(network)
        raise ZeroDivisionError("no directory")

    monkeypatch.setattr(worker_module, "DirectoryClient", fail)
    with pytest.raises(ZeroDivisionError):
        Worker("encoder", bus_settings, SocketRole.ENCODER_OUTLET)
    assert [network.context.closed for network in networks] == [True]


SERVICE = """
import asyncio, sys
from fanlight_common.core.errors import ConfigurationError
from fanlight_common.process.settings import BusSettings, load
from fanlight_common.service.supervision import run

async def main(worker):
    what = sys.argv[1]
    if what == "misconfigured":
        raise ConfigurationError("FANLIGHT_X: nonsense")
    if what == "broken":
        raise ZeroDivisionError("nobody named this")
    print("ready", flush=True)
    if what == "deaf":
        import time
        time.sleep(60)
    await asyncio.Event().wait()

run("test", load(BusSettings), None, main)
"""


def _start(what: str, settings: BusSettings) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SERVICE, what],
        env={**os.environ, "FANLIGHT_RUNTIME_DIR": str(settings.runtime_dir)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.processes
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_a_clean_stop(bus_settings: BusSettings, number: signal.Signals) -> None:
    process = _start("well", bus_settings)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    _, errors = process.communicate(timeout=10)
    assert process.returncode == 0, errors
    assert "event=stop kind=test" in errors


@pytest.mark.processes
def test_a_service_that_hangs_is_ended_all_the_same(bus_settings: BusSettings) -> None:
    process = _start("deaf", bus_settings)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10)
    assert process.returncode != 0


@pytest.mark.processes
def test_a_configuration_error_is_one_line(bus_settings: BusSettings) -> None:
    process = _start("misconfigured", bus_settings)
    _, errors = process.communicate(timeout=10)
    assert process.returncode == 2
    assert "fanlight-test: FANLIGHT_X: nonsense" in errors
    assert "Traceback" not in errors


@pytest.mark.processes
def test_what_nobody_named_ends_the_process(bus_settings: BusSettings) -> None:
    process = _start("broken", bus_settings)
    _, errors = process.communicate(timeout=10)
    assert process.returncode == 1
    assert "ZeroDivisionError" in errors
