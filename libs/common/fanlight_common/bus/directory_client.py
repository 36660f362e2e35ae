"""A process's side of the directory: tell it things, watch what it publishes.

Lives on the worker's loop. Subscribing is the look-up: the directory answers with the present
record and then with every change. Nothing is kept on disk; a directory that comes back gets the
subscriptions again from ZeroMQ by itself.
"""

import asyncio
import logging
from collections.abc import Callable

import zmq
from prometheus_client import Counter

from fanlight_common.bus.network import DIRECTORY_ID, BusNetwork
from fanlight_common.bus.sockets import SocketRole
from fanlight_common.core.errors import ProtocolError
from fanlight_common.process import clock, refusals
from fanlight_common.protocol import bus

log = logging.getLogger(__name__)
__all__ = ["DIRECTORY_ID", "DirectoryClient"]
refused = Counter("fanlight_refused_records", "Directory records that were not understood")

Watcher = Callable[[bus.DirectoryOutlet], None]


class _Line:
    """The way to the directory by one of the keys that it may be known by."""

    def __init__(self, network: BusNetwork, outlet: str, inlet: str) -> None:
        self.records = network.open(SocketRole.RECORDS)
        self.inlet: zmq.Socket[bytes] = zmq.Socket.shadow(network.open(SocketRole.TELL))
        network.connect(self.records, outlet)
        network.connect(self.inlet, inlet)
        self.reading: asyncio.Task[None] | None = None

    def close(self) -> None:
        if self.reading is not None:
            self.reading.cancel()
        self.records.close(linger=0)
        self.inlet.close(linger=0)


class DirectoryClient:
    """Watches topics of the directory (`protocol.topics`), exact ones or prefixes."""

    def __init__(self, network: BusNetwork) -> None:
        self._network = network
        self._lines: dict[str, _Line] = {}
        """By outlet. While keys are being changed there are two, of which one leads somewhere."""
        self._watchers: dict[bytes, list[Watcher]] = {}
        self._changed = asyncio.Event()
        self._reachable: bool | None = None
        self.reachable_since: float | None = None
        """When it came within reach (clock.now_s); None while it is away."""
        self.records: dict[bytes, bus.DirectoryOutlet] = {}
        """The newest record of each watched topic."""
        self._draw_lines()
        network.changed = self._changed.set

    def watch(self, topic: bytes, watcher: Watcher) -> Callable[[], None]:
        """Call `watcher` with each record under `topic`, those known already first.

        Returns a function that ends the watch.
        """
        watchers = self._watchers.setdefault(topic, [])
        watchers.append(watcher)
        if len(watchers) == 1:
            for line in self._lines.values():
                line.records.subscribe(topic)
        for known, record in list(self.records.items()):
            if known.startswith(topic):
                watcher(record)

        def end() -> None:
            watchers.remove(watcher)
            if not watchers and self._watchers.get(topic) is watchers:
                del self._watchers[topic]
                for line in self._lines.values():
                    line.records.unsubscribe(topic)
                if not any(
                    other.startswith(topic) or topic.startswith(other) for other in self._watchers
                ):
                    for known in [k for k in self.records if k.startswith(topic)]:
                        del self.records[known]

        return end

    def tell(self, message: bus.DirectoryInlet) -> None:
        """Tell the directory; while it is away nothing is kept, heartbeats come again anyhow."""
        self.send(bus.encode(message))

    def send(self, data: bytes) -> None:
        """`tell` what is encoded already."""
        for line in self._lines.values():
            try:
                line.inlet.send(data, zmq.DONTWAIT)
            except zmq.Again:
                continue
            self._note(reachable=True)
            return
        self._note(reachable=False)

    async def run(self) -> None:
        """Receive records, for ever."""
        async with asyncio.TaskGroup() as group:
            while True:
                for line in self._lines.values():
                    if line.reading is None:
                        line.reading = group.create_task(self._read(line))
                await self._changed.wait()
                self._changed.clear()
                self._draw_lines()

    def _draw_lines(self) -> None:
        wanted = dict(self._network.directory())
        for outlet in self._lines.keys() - wanted.keys():
            self._lines.pop(outlet).close()
        for outlet in wanted.keys() - self._lines.keys():
            line = self._lines[outlet] = _Line(self._network, outlet, wanted[outlet])
            for topic in self._watchers:
                line.records.subscribe(topic)

    async def _read(self, line: _Line) -> None:
        while True:
            topic, data = await line.records.recv_multipart()
            try:
                record = bus.decode_directory_outlet(data)
            except ProtocolError as error:
                refused.inc()
                refusals.note(log, "records", error, DIRECTORY_ID)
                continue
            self.records[topic] = record
            for watched, watchers in list(self._watchers.items()):
                if topic.startswith(watched):
                    for watcher in list(watchers):
                        watcher(record)

    def _note(self, *, reachable: bool) -> None:
        """Say so when it changes. The first heartbeat is always ahead of the connection."""
        if self._reachable is None and not reachable:
            return
        if self._reachable != reachable:
            level = logging.INFO if reachable else logging.WARNING
            log.log(level, "event=directory state=%s", "reachable" if reachable else "away")
            self.reachable_since = clock.now_s() if reachable else None
        self._reachable = reachable
