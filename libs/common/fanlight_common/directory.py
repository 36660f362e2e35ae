"""A process's side of the directory: tell it things, watch what it publishes.

Lives on the worker's loop. Subscribing is the look-up: the directory answers with the present
record and then with every change. Nothing is kept on disk; a directory that comes back gets the
subscriptions again from ZeroMQ by itself.
"""

import logging
from collections.abc import Callable

import zmq
import zmq.asyncio
from prometheus_client import Counter

from fanlight_common.errors import ProtocolError
from fanlight_common.protocol import bus
from fanlight_common.settings import BusSettings
from fanlight_common.sockets import Role, ipc_endpoint, open_socket

log = logging.getLogger(__name__)
DIRECTORY_ID = "directory"
refused = Counter("fanlight_refused_records", "Directory records that were not understood")

Watcher = Callable[[bus.DirectoryOutlet], None]


class DirectoryClient:
    """Watches topics of the directory (`protocol.topics`), exact ones or prefixes."""

    def __init__(self, context: zmq.asyncio.Context, settings: BusSettings) -> None:
        self._records = open_socket(context, Role.RECORDS)
        self._records.connect(ipc_endpoint(settings.runtime_dir, DIRECTORY_ID, "outlet"))
        self._inlet: zmq.Socket[bytes] = zmq.Socket.shadow(open_socket(context, Role.TELL))
        self._inlet.connect(ipc_endpoint(settings.runtime_dir, DIRECTORY_ID, "inlet"))
        self._watchers: dict[bytes, list[Watcher]] = {}
        self.records: dict[bytes, bus.DirectoryOutlet] = {}
        """The newest record of each watched topic."""

    def watch(self, topic: bytes, watcher: Watcher) -> Callable[[], None]:
        """Call `watcher` with each record under `topic`, those known already first.

        Returns a function that ends the watch.
        """
        watchers = self._watchers.setdefault(topic, [])
        watchers.append(watcher)
        if len(watchers) == 1:
            self._records.subscribe(topic)
        for known, record in list(self.records.items()):
            if known.startswith(topic):
                watcher(record)

        def end() -> None:
            watchers.remove(watcher)
            if not watchers and self._watchers.get(topic) is watchers:
                del self._watchers[topic]
                self._records.unsubscribe(topic)
                if not any(
                    other.startswith(topic) or topic.startswith(other) for other in self._watchers
                ):
                    for known in [k for k in self.records if k.startswith(topic)]:
                        del self.records[known]

        return end

    def tell(self, message: bus.DirectoryInlet) -> None:
        """Tell the directory; while it is away nothing is kept, heartbeats come again anyhow."""
        try:
            self._inlet.send(bus.encode(message), zmq.DONTWAIT)
        except zmq.Again:
            log.debug("event=directory_away")

    async def run(self) -> None:
        """Receive records, for ever."""
        while True:
            topic, data = await self._records.recv_multipart()
            try:
                record = bus.decode_directory_outlet(data)
            except ProtocolError as error:
                refused.inc()
                log.debug("event=refused where=records reason=%r", str(error))
                continue
            self.records[topic] = record
            for watched, watchers in list(self._watchers.items()):
                if topic.startswith(watched):
                    for watcher in list(watchers):
                        watcher(record)
