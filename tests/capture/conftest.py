"""Fixtures: an X server for the test alone, and a capture that runs in this process."""

import asyncio
import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import zmq
import zmq.asyncio

from fanlight_capture.core.held_keys import DEFAULT_LIMITS, HeldKeyLimits
from fanlight_capture.open_source import OpenSource, open_source
from fanlight_capture.service import CaptureService
from fanlight_capture.settings import CaptureSettings
from fanlight_common.bus.ring import RingReader
from fanlight_common.bus.sockets import SocketRole, open_socket
from fanlight_common.process.settings import BusSettings
from fanlight_common.protocol import binary, bus, frames, input, topics
from fanlight_common.protocol.topics import Lane
from fanlight_common.service.worker import Worker
from tests.ports import clear_display, free_display

TIMEOUT_S = 30.0


async def until(condition: Callable[[], Any], what: str = "condition") -> Any:
    """Wait until `condition()` is true; return its value."""
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        value = condition()
        if asyncio.iscoroutine(value):
            value = await value
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {TIMEOUT_S} s")
        await asyncio.sleep(0.01)


class XServer:
    """An Xvfb, and programs on it. It ends everything that it has started."""

    def __init__(self, width: int = 800, height: int = 600, within: tuple[str, ...] = ()) -> None:
        """Start it. `within` is a command that runs it, such as setpriv with its options."""
        self.size = (width, height)
        self._within = within
        self._clients: list[subprocess.Popen[bytes]] = []
        self.display = f":{free_display()}"
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def env(self) -> dict[str, str]:
        return {**os.environ, "DISPLAY": self.display, "LC_ALL": "C.UTF-8"}

    def start(self) -> None:
        """Start the server on its number, and wait until it answers."""
        readable, writable = os.pipe()
        width, height = self.size
        try:
            self.process = subprocess.Popen(
                [
                    *(*self._within, "Xvfb", self.display, "-displayfd", str(writable)),
                    "-noreset",
                    *("-nolisten", "tcp", "-screen", "0", f"{width}x{height}x24"),
                ],
                pass_fds=[writable],
                stderr=subprocess.DEVNULL,
            )
            os.close(writable)
            answer = b""
            while not answer.endswith(b"\n"):
                piece = os.read(readable, 16)
                assert piece, "Xvfb did not start"
                answer += piece
        finally:
            os.close(readable)

    def kill(self) -> None:
        """End the server, as a crash would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def spawn(self, *command: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start a client that lives until the end of the test."""
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        client = subprocess.Popen(command, env=self.env, **{**quiet, **options})
        self._clients.append(client)
        return client

    def run(self, *command: str, check: bool = True) -> str:
        """Run a client to its end; return its output."""
        done = subprocess.run(
            command, env=self.env, capture_output=True, timeout=TIMEOUT_S, check=check
        )
        return done.stdout.decode(errors="replace")

    def end_clients(self) -> None:
        for client in self._clients:
            client.kill()
            client.wait()
            for pipe in (client.stdin, client.stdout, client.stderr):
                if pipe is not None:
                    pipe.close()
        self._clients.clear()

    def close(self) -> None:
        self.end_clients()
        self.kill()
        clear_display(int(self.display.removeprefix(":")))


@pytest.fixture
def xserver() -> Iterator[XServer]:
    server = XServer()
    yield server
    server.close()


class Events:
    """The events of a desk that have come, by kind."""

    def __init__(self, socket: zmq.asyncio.Socket) -> None:
        self._socket = socket
        self.all: list[bus.Event] = []
        self.shapes: list[binary.PointerShape] = []
        self.positions: list[binary.PointerPosition] = []
        self.texts: list[str] = []
        self._task = asyncio.ensure_future(self._receive())

    async def _receive(self) -> None:
        while True:
            _, data = await self._socket.recv_multipart()
            event = bus.decode_event(data)
            self.all.append(event)
            if event.text:
                self.texts.append(event.text)
            else:
                message = binary.decode_from_gateway(event.binary)
                if isinstance(message, binary.PointerShape):
                    self.shapes.append(message)
                elif isinstance(message, binary.PointerPosition):
                    self.positions.append(message)

    def close(self) -> None:
        self._task.cancel()
        self._socket.close(linger=0)


class Frames:
    """A subscriber of one frame topic."""

    def __init__(self, socket: zmq.asyncio.Socket, topic: bytes) -> None:
        self._socket = socket
        self._topic = topic
        self._reader = RingReader()

    async def next(self) -> frames.Frame:
        async with asyncio.timeout(TIMEOUT_S):
            return frames.decode(await self._socket.recv(), self._topic)

    async def none_within(self, seconds: float) -> bool:
        return not await self._socket.poll(int(seconds * 1000))

    def pixels(self, frame: frames.Frame) -> bytes:
        if frame.pixels is not None:
            return bytes(frame.pixels)
        assert frame.slot is not None
        view = self._reader.view(frame.slot, frame.size_bytes)
        data = bytes(view[: frame.size_bytes])
        self._reader.check(frame.slot)
        return data

    def close(self) -> None:
        self._reader.close()
        self._socket.close(linger=0)


class Capture:
    """A capture on the bus, as its clients see it."""

    def __init__(self, worker: Worker, service: CaptureService, desk: str) -> None:
        self.worker = worker
        self.service = service
        self.desk = desk
        self._closers: list[Callable[[], None]] = []
        self._numbers: dict[str, int] = {}
        self._inlet = open_socket(worker.context, SocketRole.TELL)
        self._inlet.connect(worker.inlet_endpoint)

    @property
    def offer(self) -> bus.DeskOffer:
        return self.worker.offer.desks[0]

    async def live(self) -> None:
        await until(lambda: self.offer.width > 0, "desk live")

    def frames(
        self, lane: Lane = Lane.SHM, topic_of: Callable[[str, Lane], bytes] = topics.frame
    ) -> Frames:
        socket = open_socket(self.worker.context, SocketRole.FRAMES)
        topic = topic_of(self.desk, lane)
        socket.subscribe(topic)
        socket.connect(self.worker.outlet_endpoint)
        feed = Frames(socket, topic)
        self._closers.append(feed.close)
        return feed

    def events(self) -> Events:
        socket = open_socket(self.worker.context, SocketRole.EVENTS)
        socket.subscribe(topics.events(self.desk))
        socket.connect(self.worker.outlet_endpoint)
        events = Events(socket)
        self._closers.append(events.close)
        return events

    async def tell(self, message: Any) -> None:
        await self._inlet.send(bus.encode(message))

    async def input(
        self, message: Any, viewer: str = "viewer-1", *, wants_ack: bool = False
    ) -> int:
        """Send an input; return its sequence number."""
        number = self._numbers[viewer] = self._numbers.get(viewer, 0) + 1
        await self.tell(bus.Input(self.desk, viewer, number, message.encode(), wants_ack=wants_ack))
        return number

    def acks(self, viewer: str = "viewer-1") -> zmq.asyncio.Socket:
        """Return a socket that is subscribed to the acknowledgements of a viewer's input."""
        socket = open_socket(self.worker.context, SocketRole.EVENTS)
        socket.subscribe(topics.ack(self.desk, viewer))
        socket.connect(self.worker.outlet_endpoint)
        self._closers.append(partial(socket.close, linger=0))
        return socket

    async def key(self, usage: int, down: bool, viewer: str = "viewer-1") -> None:
        await self.input(input.Key(down, usage), viewer)

    async def tap(self, *usages: int) -> None:
        for usage in usages:
            await self.key(usage, True)
        for usage in reversed(usages):
            await self.key(usage, False)

    def close(self) -> None:
        for close in self._closers:
            close()
        self._inlet.close(linger=0)


StartCapture = Callable[..., Awaitable[Capture]]


@pytest.fixture
def runtime_dir() -> Iterator[Path]:
    """A directory with a short path, because those of sockets are limited."""
    path = Path(tempfile.mkdtemp(prefix="fl-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
async def start_capture(runtime_dir: Path) -> AsyncIterator[StartCapture]:
    """Start captures in this process: `await start_capture(display=":1")`.

    `opener` and `held_key_limits` go to the service, everything else is settings.
    """
    running: list[tuple[asyncio.Task[None], Capture]] = []

    async def start(
        *,
        opener: OpenSource = open_source,
        held_key_limits: HeldKeyLimits = DEFAULT_LIMITS,
        **settings: Any,
    ) -> Capture:
        worker = Worker(
            "capture", BusSettings(runtime_dir=runtime_dir, id="c"), SocketRole.CAPTURE_OUTLET
        )
        service = CaptureService(worker, CaptureSettings(**settings), opener, held_key_limits)
        task = asyncio.ensure_future(worker.serve(lambda _: service.run()))
        capture = Capture(worker, service, settings.get("desk", "main"))
        running.append((task, capture))
        return capture

    yield start
    for task, capture in running:
        capture.close()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
