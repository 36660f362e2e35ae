"""The way from viewers to a desk and back, other than video: input down, events up.

Lives on the worker's loop. Follows the desk's record, so that a capture which comes back elsewhere
is told and heard there. Keeps the newest pointer shape, pointer position and clipboard for viewers
that come later. Drops nothing: what cannot be delivered is refused, to the caller's knowledge.
"""

import asyncio
import logging
from typing import Protocol

import zmq.asyncio

from fanlight_common.bus.sockets import SocketRole
from fanlight_common.core.errors import ProtocolError
from fanlight_common.process import refusals
from fanlight_common.process.worker import Worker
from fanlight_common.protocol import binary, bus, topics
from fanlight_gateway import metrics
from fanlight_gateway.streams.inlets import Hold, Inlets
from fanlight_gateway.viewers.sampling import Figures

log = logging.getLogger(__name__)


class Watcher(Protocol):
    """A viewer, as a desk sees it."""

    def desk_changed(self, record: bus.DeskRecord) -> None:
        """The desk's state or size is another now."""

    def event(self, kind: str, message: bytes | str) -> None:
        """`shape`, `position` or `clipboard`, ready to be passed on."""

    def figures(self) -> Figures:
        """How its video is, for /metrics."""


class Link:
    """One desk, while at least one viewer is connected to it."""

    def __init__(
        self, worker: Worker, inlets: Inlets, group: asyncio.TaskGroup, record: bus.DeskRecord
    ) -> None:
        self.viewers: set[Watcher] = set()
        self.record = record
        self._worker = worker
        self._inlet = Hold(inlets)
        self._group = group
        self._topic = topics.events(record.desk)
        self._socket: zmq.asyncio.Socket | None = None
        self._task: asyncio.Task[None] | None = None
        self._last_event: int | None = None
        self._newest: dict[str, bytes | str] = {}
        # Calls back at once with the record, which is known, and so connects.
        self._end_watch = worker.directory.watch(topics.desk(record.desk), self._on_record)

    def close(self) -> None:
        """Nobody is connected to the desk any more."""
        self._end_watch()
        self._disconnect()
        self._inlet.move("")

    def join(self, viewer: Watcher) -> None:
        """One more viewer; it gets the present state at once."""
        self.viewers.add(viewer)
        viewer.desk_changed(self.record)
        for kind, message in self._newest.items():
            viewer.event(kind, message)

    def tell(self, message: bus.CaptureInlet) -> bool:
        """Pass on to the desk's capture; False: there is nobody who takes it."""
        return self.record.alive and self._inlet.tell(bus.encode(message))

    def _on_record(self, record: bus.DirectoryOutlet) -> None:
        if not isinstance(record, bus.DeskRecord):
            return
        old, self.record = self.record, record
        if old.instance != record.instance or record.state != "live":
            # Another display, or soon one: its pointer and clipboard are not the old one's.
            self._newest.clear()
        if record.alive and (self._socket is None or old.instance != record.instance):
            self._connect()
        if (old.state, old.width, old.height) != (record.state, record.width, record.height):
            log.info("event=desk desk=%s state=%s", record.desk, record.state)
            for viewer in self.viewers:
                viewer.desk_changed(record)

    def _connect(self) -> None:
        self._disconnect()
        self._inlet.move(self.record.inlet)
        self._last_event = None
        self._socket = self._worker.network.open(SocketRole.EVENTS)
        self._socket.subscribe(self._topic)
        self._worker.network.connect(self._socket, self.record.outlet)
        self._task = self._group.create_task(self._receive(self._socket))

    def _disconnect(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None
        if self._socket is not None:
            self._socket.close(linger=0)
            self._socket = None

    async def _receive(self, socket: zmq.asyncio.Socket) -> None:
        while True:
            parts = await socket.recv_multipart()
            try:
                if len(parts) != 2:
                    raise ProtocolError(f"event: {len(parts)} parts, wants 2")
                self._on_event(bus.decode_event(parts[1]), socket)
            except ProtocolError as error:
                metrics.refused.labels("event").inc()
                refusals.note(log, "events", error, self.record.id)

    def _on_event(self, event: bus.Event, socket: zmq.asyncio.Socket) -> None:
        if self._last_event is not None and event.sequence != self._last_event + 1:
            # Something was lost: subscribing again brings what is present once more.
            metrics.refused.labels("event_gap").inc()
            socket.unsubscribe(self._topic)
            socket.subscribe(self._topic)
        self._last_event = event.sequence
        kind, message = _kind(event)
        self._newest[kind] = message
        for viewer in self.viewers:
            viewer.event(kind, message)


class Links:
    """The desks that viewers of this gateway are connected to."""

    def __init__(self, worker: Worker, inlets: Inlets, group: asyncio.TaskGroup) -> None:
        self._worker = worker
        self._inlets = inlets
        self._group = group
        self._links: dict[str, Link] = {}

    def join(self, record: bus.DeskRecord, viewer: Watcher) -> Link:
        """Connect a viewer to a desk."""
        if record.desk not in self._links:
            self._links[record.desk] = Link(self._worker, self._inlets, self._group, record)
        link = self._links[record.desk]
        link.join(viewer)
        return link

    def leave(self, link: Link, viewer: Watcher) -> None:
        """The viewer has gone; with the last one the link ends."""
        link.viewers.discard(viewer)
        if not link.viewers and self._links.pop(link.record.desk, None) is not None:
            link.close()

    def viewers(self) -> list[Watcher]:
        """Everybody who is connected to a desk."""
        return [viewer for link in self._links.values() for viewer in link.viewers]

    def close(self) -> None:
        """Let all desks go."""
        for link in self._links.values():
            link.close()
        self._links.clear()


def _kind(event: bus.Event) -> tuple[str, bytes | str]:
    if event.text:
        return "clipboard", event.text
    if event.binary[:1] == bytes([binary.PointerShape.TYPE]):
        return "shape", event.binary
    if event.binary[:1] == bytes([binary.PointerPosition.TYPE]):
        return "position", event.binary
    raise ProtocolError("event: neither pointer nor clipboard")
