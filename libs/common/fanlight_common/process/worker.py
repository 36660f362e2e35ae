"""The shape of every service: an inlet, an outlet, a heartbeat, signals, health.

Owns the process's event loop (uvloop), ZeroMQ context and sockets. `run` is what `__main__` calls;
it ends the process within STOP_LIMIT_S of SIGTERM or SIGINT, come what may. Until then a worker may
drain: hand over what it has while it still works.
"""

import asyncio
import contextlib
import gc
import logging
import os
import re
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from socket import gethostname
from typing import Any

import uvloop
import zmq
import zmq.asyncio
from prometheus_client import Counter, Gauge, Histogram

from fanlight_common.bus.clock_sync import ClockSync, first_guess
from fanlight_common.bus.directory_client import DirectoryClient
from fanlight_common.bus.network import BusNetwork, wait_for_network
from fanlight_common.bus.receiver import Receiver
from fanlight_common.bus.ring import host_id
from fanlight_common.bus.sockets import SocketRole
from fanlight_common.core.errors import ConfigurationError, ProtocolError
from fanlight_common.core.names import check_name
from fanlight_common.process import clock, logs, refusals
from fanlight_common.process.health import HealthServer
from fanlight_common.process.settings import BusSettings
from fanlight_common.process.ticks import tick
from fanlight_common.protocol import bus, topics

log = logging.getLogger(__name__)

STOP_LIMIT_S = 1.8
END_LIMIT_S = 0.6
"""What of it is left for the end itself when a worker has drained; longer drains make it longer."""
_STOP_SIGNALS = {signal.SIGTERM, signal.SIGINT}
LAST_WORDS_MS = 500
"""How long a message may take that is on its way when its socket is closed."""
_TURN_S = 1.0
HANG_LIMIT_S = 5.0
"""/healthz says unhealthy when the event loop has not turned for this long."""

refused = Counter("fanlight_refused_messages", "Messages that were not understood", ["where"])
undelivered = Counter("fanlight_undelivered_messages", "Messages with nobody to take them", ["to"])
process = Gauge("fanlight_process", "1: this process, by its name on the bus", ["kind", "id"])
loop_lag_seconds = Histogram(
    "fanlight_loop_lag_seconds",
    "How much too late the event loop wakes: it is busy, or there is too little CPU",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 5),
)


@dataclass(slots=True)
class Offer:
    """What the next heartbeat says of this process."""

    http: str = ""
    desks: tuple[bus.DeskOffer, ...] = ()
    capacity: int = 0
    load: float = 0.0
    streams: tuple[bus.HeldStream, ...] = ()


class Worker:
    """One process on the bus. Create it inside the running loop."""

    def __init__(self, kind: str, settings: BusSettings, outlet: SocketRole | None) -> None:
        self.kind = kind
        self.settings = settings
        self.id = check_name(settings.id or _default_id(kind, settings))
        self.instance = f"{clock.now_us():x}-{os.getpid():x}"
        self.host = host_id()
        self.offer = Offer()
        self.healthy: Callable[[], tuple[bool, dict[str, Any]]] = lambda: (True, {})
        """Replace it to let /healthz know more."""
        self.drain: Callable[[], Awaitable[None]] | None = None
        """What is done after SIGTERM, while everything goes on, before it ends. Replace it."""
        self.drain_limit_s = 0.0
        """How long that may take."""
        self.before_beat: Callable[[], None] = lambda: None
        """Called before each regular heartbeat, to look at what changes all the time."""
        self._beating = self._announced = False
        self._said: tuple[Any, ...] = ()
        """What the last heartbeat said, as `_beat_bytes`."""
        self._beat_bytes = b""
        self._last_turn = clock.now_s()
        settings.runtime_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.bus_clock = first_guess(settings)
        """See `now_us`."""
        self.network = BusNetwork(settings, kind)
        self.context = self.network.context
        self.address = self.network.address
        """Under which others reach this process."""
        self.outlet: zmq.asyncio.Socket | None = None
        self.outlet_endpoint = ""
        try:
            self.inlet, self.inlet_endpoint = self._bind(SocketRole.INLET, "inlet")
            if outlet is not None:
                self.outlet, self.outlet_endpoint = self._bind(outlet, "outlet")
            self.directory = DirectoryClient(self.network)
            self.health = HealthServer(settings.health_host, settings.health_port, self._health)
        except ConfigurationError:
            self.network.close(0)
            raise

    def now_us(self) -> int:
        """The bus clock, microseconds: for what is stamped with it, or compared with a stamp.

        Within one process `clock` is the better one: this one is corrected now and then.
        """
        return self.bus_clock.at(clock.now_us())

    def announce(self) -> None:
        """Send a heartbeat now: the offer has changed."""
        if self._beating and not self._announced:
            self._announced = True
            asyncio.get_running_loop().call_soon(self._beat)

    async def serve(self, main: Callable[["Worker"], Awaitable[None]]) -> None:
        """Run `main` with heartbeats around it until it returns or is cancelled."""
        log.info("event=start kind=%s id=%s health=%s", self.kind, self.id, self.health.url)
        process.labels(self.kind, self.id).set(1)
        try:
            async with asyncio.TaskGroup() as group:
                around = [
                    group.create_task(self.directory.run()),
                    group.create_task(self.network.run()),
                ]
                if self.kind != "directory":
                    around.append(group.create_task(self._heartbeats()))
                    if self.settings.bus_directory:
                        watch = ClockSync(self.directory, self.id, self.bus_clock)
                        around.append(group.create_task(watch.run()))
                    # Nobody else subscribes to it: a connection that ends tells the directory.
                    self.directory.watch(topics.presence(self.id, self.instance), _nothing)
                around.append(group.create_task(self._turn()))
                try:
                    await main(self)
                finally:
                    for task in around:
                        task.cancel()
        finally:
            self.close()
            log.info("event=stop kind=%s id=%s", self.kind, self.id)

    def close(self) -> None:
        """Say farewell and let every socket go."""
        if self.kind != "directory":
            self.directory.tell(bus.Farewell(self.id, self.instance))
        self.health.close()
        # A farewell gets this long to leave, nothing more.
        self.network.close(100)

    def _bind(self, role: SocketRole, name: str) -> tuple[zmq.asyncio.Socket, str]:
        socket = self.network.open(role)
        return socket, self.network.bind(socket, self.id, name)

    async def _heartbeats(self) -> None:
        self._beating = True
        try:
            while True:
                self._beat()
                await tick(self.settings.heartbeat_interval_s)
                self.before_beat()
        finally:
            self._beating = False

    def _beat(self) -> None:
        self._announced = False
        if not self._beating:  # it was announced just before the end
            return
        offer = self.offer
        said = (offer.http, offer.desks, offer.capacity, offer.load, offer.streams)
        if said != self._said:
            self._said = said
            self._beat_bytes = bus.encode(
                bus.Heartbeat(
                    kind=self.kind,
                    id=self.id,
                    instance=self.instance,
                    host=self.host,
                    outlet=self.outlet_endpoint,
                    inlet=self.inlet_endpoint,
                    http=offer.http,
                    desks=offer.desks,
                    capacity=offer.capacity,
                    load=offer.load,
                    streams=offer.streams,
                )
            )
        self.directory.send(self._beat_bytes)

    async def _turn(self) -> None:
        while True:
            self._last_turn = clock.now_s()
            due = await tick(_TURN_S)
            loop_lag_seconds.observe(max(0.0, clock.now_s() - due))

    def _health(self) -> tuple[bool, dict[str, Any]]:
        hung_s = clock.now_s() - self._last_turn
        if hung_s > HANG_LIMIT_S:
            return False, {"id": self.id, "reason": f"event loop hangs for {hung_s:.0f} s"}
        healthy, details = self.healthy()
        return healthy, {"id": self.id, **details}


def _nothing(record: bus.DirectoryOutlet) -> None:
    """Of one's own presence there are no records."""


def _default_id(kind: str, settings: BusSettings) -> str:
    """Unlike that of any other process on the bus, and the same when a container starts again."""
    if not settings.bus_directory:
        return f"{kind}-{os.getpid()}"
    # Containers count their processes each from 1, but each has a host name of its own.
    host = re.sub(r"[^a-z0-9]+", "-", gethostname().lower())
    return f"{kind}-{host[:40]}-{os.getpid()}"


class Teller:
    """Sends messages to inlets of others: a PUSH each, kept, forgotten when its endpoint is.

    A message that nobody can take now is counted (`fanlight_undelivered_messages`) and refused.
    """

    def __init__(self, network: BusNetwork) -> None:
        self._network = network
        self._sockets: dict[str, zmq.Socket[bytes]] = {}

    def connect(self, endpoint: str) -> None:
        """Connect ahead of the first message, which has no peer to go to otherwise."""
        if endpoint and endpoint not in self._sockets:
            # The plain socket below the asyncio one: sends never wait here.
            socket: zmq.Socket[bytes] = zmq.Socket.shadow(self._network.open(SocketRole.TELL))
            self._network.connect(socket, endpoint)
            self._sockets[endpoint] = socket

    def disconnect(self, endpoint: str) -> None:
        """Forget an endpoint. What was said last, like keys to be let go, still gets there."""
        socket = self._sockets.pop(endpoint, None)
        if socket is not None:
            socket.close(linger=LAST_WORDS_MS)

    def tell(self, endpoint: str, data: bytes) -> bool:
        """Queue one message; False: nobody there, or its queue is full."""
        self.connect(endpoint)
        try:
            if not endpoint:
                raise zmq.Again  # of one that is gone
            self._sockets[endpoint].send(data, zmq.DONTWAIT)
        except zmq.Again:
            undelivered.labels("inlet").inc()
            return False
        return True


async def inlet_messages(
    socket: zmq.Socket[Any], decode: Callable[[bytes], Any], handle: Callable[[Any], None]
) -> None:
    """Hand every message of an inlet to `handle`, for ever. What is no message is counted."""

    def take(data: bytes) -> None:
        try:
            handle(decode(data))
        except ProtocolError as error:
            refused.labels("inlet").inc()
            refusals.note(log, "inlet", error)

    await Receiver(socket, take).run()


def run(
    kind: str,
    settings: BusSettings,
    outlet: SocketRole | None,
    main: Callable[[Worker], Awaitable[None]],
) -> None:
    """Be a service: what each `__main__` ends with. Returns after a clean stop.

    A ConfigurationError ends the process with one line and status 2.
    """
    logs.configure(settings.log_level, settings.log_format)
    try:
        wait_for_network(settings, kind)
    except ConfigurationError as missing:
        print(f"fanlight-{kind}: {missing}", file=sys.stderr)
        sys.exit(2)
    # Before any thread starts: threads inherit the mask, and `_wait_for_stop` takes the signals.
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
    _spare_what_stays()
    wrong: list[BaseException] = []
    try:
        uvloop.run(_supervised(kind, settings, outlet, main))
    except* ConfigurationError as group:
        wrong = _leaves(group)
    # Outside: some Pythons (Debian's 3.11.2) wrap a SystemExit raised in there in a group again.
    if wrong:
        for error in wrong:
            print(f"fanlight-{kind}: {error}", file=sys.stderr)
        sys.exit(2)


def _spare_what_stays() -> None:
    """The garbage collector need not look at what was imported: it stays, and is most of all."""
    gc.collect()
    gc.freeze()


async def _supervised(
    kind: str,
    settings: BusSettings,
    outlet: SocketRole | None,
    main: Callable[[Worker], Awaitable[None]],
) -> None:
    worker = Worker(kind, settings, outlet)
    logs.identify(service=kind, process=worker.id)
    serving = asyncio.ensure_future(worker.serve(main))
    loop = asyncio.get_running_loop()
    stopping: list[asyncio.Task[None]] = []

    def stop() -> None:
        stopping.append(loop.create_task(_drain(worker, serving)))

    threading.Thread(
        target=_wait_for_stop,
        args=(worker, lambda: loop.call_soon_threadsafe(stop)),
        name="signals",
        daemon=True,
    ).start()
    with contextlib.suppress(asyncio.CancelledError):
        await serving


async def _drain(worker: Worker, serving: asyncio.Future[None]) -> None:
    """Let the worker hand over what it has, and then end it."""
    try:
        if worker.drain is not None and not serving.done():
            async with asyncio.timeout(worker.drain_limit_s):
                await worker.drain()
    except TimeoutError:
        log.info("event=drain kind=%s state=unfinished", worker.kind)
    finally:
        serving.cancel()


def _wait_for_stop(worker: Worker, stop: Callable[[], object]) -> None:
    """A thread that takes the signals, so that a hanging event loop does not hide them."""
    signal.sigwait(_STOP_SIGNALS)
    limit_s = max(STOP_LIMIT_S, worker.drain_limit_s + END_LIMIT_S)
    deadline = threading.Timer(limit_s, _give_up, (worker.kind, limit_s))
    deadline.daemon = True
    deadline.start()
    stop()


def _give_up(kind: str, limit_s: float) -> None:
    log.error("event=stop kind=%s reason=%r", kind, f"not done after {limit_s} s")
    os._exit(1)


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    found: list[BaseException] = []
    for error in group.exceptions:
        found += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found
