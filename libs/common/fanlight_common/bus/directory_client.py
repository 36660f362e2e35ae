"""A process's side of the directory: tell it things, watch the records that it publishes.

Lives on the worker's loop. Owns the sockets to the directory and the newest record of each watched
topic. A subscription is the look-up: the directory answers it with the present record, and then
with every change. When a directory comes back, ZeroMQ repeats the subscriptions by itself. Drops
data that is not a record, and counts it.

One task reads the records for everybody who watches. Therefore a watch that raises an error about a
record ends what that watch is about, and nothing else: see `DirectoryClient.watch`.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

import zmq
from prometheus_client import Counter

from fanlight_common.bus.network import DIRECTORY_ID, BusNetwork
from fanlight_common.bus.sockets import SocketRole, closed_on_error
from fanlight_common.core.errors import ProtocolError
from fanlight_common.process import clock, refusals
from fanlight_common.protocol import bus

log = logging.getLogger(__name__)
__all__ = ["DIRECTORY_ID", "DirectoryClient"]
refused = Counter("fanlight_refused_records", "Directory records that were not understood")
failed_watches = Counter(
    "fanlight_failed_watches", "Directory records about which this process raised an error"
)

OnRecord = Callable[[bus.DirectoryOutlet], None]
OnFailure = Callable[[Exception], None]


@dataclass(slots=True, eq=False)
class _Watch:
    """Somebody who wants the records of a topic."""

    on_record: OnRecord
    failed: OnFailure
    is_over: bool = False


class _DirectoryConnection:
    """The two sockets to the directory, for one of the keys that it may have."""

    def __init__(self, network: BusNetwork, outlet: str, inlet: str) -> None:
        self.records = network.open_connected(SocketRole.RECORDS, outlet)
        with closed_on_error(self.records):
            self.inlet: zmq.Socket[bytes] = zmq.Socket.shadow(
                network.open_connected(SocketRole.TELL, inlet)
            )
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
        self._connections: dict[str, _DirectoryConnection] = {}
        """By outlet. While keys are being changed there are two, and only one of them connects."""
        self._watches: dict[bytes, list[_Watch]] = {}
        self._changed = asyncio.Event()
        self._reachable: bool | None = None
        self.reachable_since: float | None = None
        """When the directory came within reach (clock.now_s). None while it is away."""
        self.records: dict[bytes, bus.DirectoryOutlet] = {}
        """The newest record of each watched topic."""
        self._connect()
        network.changed = self._changed.set

    def watch(
        self, topic: bytes, on_record: OnRecord, failed: OnFailure | None = None
    ) -> Callable[[], None]:
        """Call `on_record` with each record under `topic`, those known already first.

        Returns a function that ends the watch.

        If `on_record` raises about a record that is known already, the watch is ended and the error
        is raised here. A later error is passed to `failed`, which ends or resets what the watch is
        about, and logs the error. Without `failed` the error is logged here, and the watch goes on
        with the next record. In either case the other watches get the record.
        """
        watch = _Watch(on_record, failed or _log_failure(topic))
        watches = self._watches.setdefault(topic, [])
        watches.append(watch)

        def end() -> None:
            watch.is_over = True
            if watch not in watches:
                return
            watches.remove(watch)
            if not watches:
                self._end_topic(topic)

        try:
            if len(watches) == 1:
                for connection in self._connections.values():
                    connection.records.subscribe(topic)
            for known, record in list(self.records.items()):
                if known.startswith(topic):
                    on_record(record)
        except Exception:
            end()
            raise
        return end

    def tell(self, message: bus.DirectoryInlet) -> None:
        """Tell the directory. While it is away the message is lost; heartbeats come again."""
        self.send(bus.encode(message))

    def send(self, data: bytes) -> None:
        """Tell the directory a message that is encoded already."""
        for connection in self._connections.values():
            try:
                connection.inlet.send(data, zmq.DONTWAIT)
            except zmq.Again:
                continue
            self._note(reachable=True)
            return
        self._note(reachable=False)

    async def run(self) -> None:
        """Receive records, for ever."""
        async with asyncio.TaskGroup() as group:
            while True:
                for connection in self._connections.values():
                    if connection.reading is None:
                        connection.reading = group.create_task(self._read(connection))
                await self._changed.wait()
                self._changed.clear()
                self._connect()

    def _connect(self) -> None:
        """Connect to the directory where it is now, and disconnect from everywhere else."""
        wanted = dict(self._network.directory())
        for outlet in self._connections.keys() - wanted.keys():
            self._connections.pop(outlet).close()
        for outlet in wanted.keys() - self._connections.keys():
            connection = _DirectoryConnection(self._network, outlet, wanted[outlet])
            self._connections[outlet] = connection
            for topic in self._watches:
                connection.records.subscribe(topic)

    def _end_topic(self, topic: bytes) -> None:
        """Unsubscribe from `topic`, and forget the records that no other watch is about."""
        del self._watches[topic]
        for connection in self._connections.values():
            connection.records.unsubscribe(topic)
        if not any(other.startswith(topic) or topic.startswith(other) for other in self._watches):
            for known in [k for k in self.records if k.startswith(topic)]:
                del self.records[known]

    async def _read(self, connection: _DirectoryConnection) -> None:
        while True:
            topic, *rest = await connection.records.recv_multipart()
            try:
                if len(rest) != 1:
                    raise ProtocolError(f"record: {1 + len(rest)} parts, wants 2")
                record = bus.decode_directory_outlet(rest[0])
            except ProtocolError as error:
                refused.inc()
                refusals.note(log, "records", error, DIRECTORY_ID)
                continue
            self.records[topic] = record
            for watched, watches in list(self._watches.items()):
                if topic.startswith(watched):
                    for watch in list(watches):
                        _deliver(watch, topic, record)

    def _note(self, *, reachable: bool) -> None:
        """Log a change. The first heartbeat does not count: it always precedes the connection."""
        if self._reachable is None and not reachable:
            return
        if self._reachable != reachable:
            level = logging.INFO if reachable else logging.WARNING
            log.log(level, "event=directory state=%s", "reachable" if reachable else "away")
            self.reachable_since = clock.now_s() if reachable else None
        self._reachable = reachable


def _deliver(watch: _Watch, topic: bytes, record: bus.DirectoryOutlet) -> None:
    if watch.is_over:  # the callback of another watch has just ended this one
        return
    try:
        watch.on_record(record)
    except Exception as error:  # noqa: BLE001 - ends what the watch is about, and not the process
        failed_watches.inc()
        try:
            watch.failed(error)
        except Exception as second:  # noqa: BLE001 - the other watches still get the record
            _log_failure(topic)(second)


def _log_failure(topic: bytes) -> OnFailure:
    def log_it(error: Exception) -> None:
        log.error("event=watch_failed topic=%s", topic.decode("ascii", "replace"), exc_info=error)

    return log_it
