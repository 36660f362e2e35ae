"""The channel between a desk and its viewers. It carries input to the desk, and events from it.

Lives on the worker's loop. Follows the desk's record, so that it finds a capture which comes back
elsewhere. Keeps the newest pointer shape, pointer position and clipboard for viewers that come
later. Drops nothing: a message that cannot be delivered is refused, and its sender is told. An
error about one desk ends the viewers of that desk, who come back to a new channel.
"""

import asyncio
import logging
from typing import Protocol

from fanlight_common.bus.event_feed import EventFeed
from fanlight_common.bus.inlet_connections import CurrentInlet, InletConnections
from fanlight_common.core.errors import ProtocolError
from fanlight_common.protocol import binary, bus, topics
from fanlight_common.service.worker import Worker
from fanlight_gateway import metrics
from fanlight_gateway.streams.failures import SourceFailedError

log = logging.getLogger(__name__)


class DeskViewer(Protocol):
    """A viewer, as the channel to its desk sees it."""

    def desk_changed(self, record: bus.DeskRecord) -> None:
        """Take the desk's record, whose state or size has changed."""

    def event(self, kind: str, message: bytes | str) -> None:
        """Take an event of the desk, encoded for the viewer. `kind` is shape, position or
        clipboard."""

    def failed(self, error: Exception) -> None:
        """End the viewer because of this error."""


class DeskChannel:
    """The channel of one desk, while at least one viewer is connected to the desk."""

    def __init__(
        self,
        worker: Worker,
        inlets: InletConnections,
        group: asyncio.TaskGroup,
        record: bus.DeskRecord,
    ) -> None:
        """Connect to the desk. If this raises, nothing of the channel stays behind."""
        self.viewers: set[DeskViewer] = set()
        self.record = record
        self.has_failed = False
        """Has the channel ended because of an error? If so, its viewers are about to leave."""
        self._worker = worker
        self._inlet = CurrentInlet(inlets)
        self._group = group
        self._feed: EventFeed | None = None
        self._newest: dict[str, bytes | str] = {}
        try:
            # The record is known, so `_on_record` is called at once, which connects.
            self._end_watch = worker.directory.watch(
                topics.desk(record.desk), self._on_record, self._failed
            )
        except Exception:
            self._let_go()
            raise

    def close(self) -> None:
        """Disconnect from the desk, because no viewer is connected to it any more."""
        self._end_watch()
        self._let_go()

    def join(self, viewer: DeskViewer) -> None:
        """Add a viewer, and tell it the present state at once."""
        self.viewers.add(viewer)
        viewer.desk_changed(self.record)
        for kind, message in self._newest.items():
            viewer.event(kind, message)

    def tell(self, message: bus.CaptureInlet) -> bool:
        """Pass a message on to the desk's capture. Returns False if nobody takes it now."""
        return self.record.alive and self._inlet.tell(bus.encode(message))

    def _on_record(self, record: bus.DirectoryOutlet) -> None:
        if not isinstance(record, bus.DeskRecord):
            return
        old, self.record = self.record, record
        if old.instance != record.instance or record.state != "live":
            # Another display has come, or will come soon. Pointer and clipboard were the old one's.
            self._newest.clear()
        if record.alive and (self._feed is None or old.instance != record.instance):
            self._connect()
        if (old.state, old.width, old.height) != (record.state, record.width, record.height):
            log.info("event=desk desk=%s state=%s", record.desk, record.state)
            for viewer in list(self.viewers):
                viewer.desk_changed(record)

    def _connect(self) -> None:
        self._disconnect()
        self._inlet.move(self.record.inlet)
        self._feed = EventFeed(
            self._worker.network,
            self._group,
            self.record.desk,
            self.record.outlet,
            take=self._on_event,
            failed=self._failed,
            on_refused=metrics.refused.labels("event").inc,
            on_gap=metrics.refused.labels("event_gap").inc,
            peer=self.record.id,
        )

    def _disconnect(self) -> None:
        if self._feed is not None:
            self._feed.close()
            self._feed = None

    def _let_go(self) -> None:
        self._disconnect()
        self._inlet.move("")

    def _on_event(self, event: bus.Event) -> None:
        kind, message = _kind(event)
        self._newest[kind] = message
        for viewer in list(self.viewers):
            viewer.event(kind, message)

    def _failed(self, error: Exception) -> None:
        if self.has_failed:
            return
        self.has_failed = True
        self.close()
        log.error("event=desk_failed desk=%s", self.record.desk, exc_info=error)
        for viewer in list(self.viewers):
            # Without the traceback, so that it is in the log once, and not once for each viewer.
            viewer.failed(SourceFailedError(f"{self.record.desk}: {error!r}"))


class DeskChannels:
    """The channels of all desks to which viewers of this gateway are connected."""

    def __init__(self, worker: Worker, inlets: InletConnections, group: asyncio.TaskGroup) -> None:
        self._worker = worker
        self._inlets = inlets
        self._group = group
        self._channels: dict[str, DeskChannel] = {}

    def join(self, record: bus.DeskRecord, viewer: DeskViewer) -> DeskChannel:
        """Connect a viewer to a desk. Returns the desk's channel."""
        channel = self._channels.get(record.desk)
        if channel is None or channel.has_failed:
            channel = DeskChannel(self._worker, self._inlets, self._group, record)
            self._channels[record.desk] = channel
        channel.join(viewer)
        return channel

    def leave(self, channel: DeskChannel, viewer: DeskViewer) -> None:
        """Take a viewer that has gone out of the channel. The channel ends with its last viewer."""
        channel.viewers.discard(viewer)
        if not channel.viewers and self._channels.get(channel.record.desk) is channel:
            del self._channels[channel.record.desk]
            channel.close()

    def close(self) -> None:
        """End every channel."""
        for channel in self._channels.values():
            channel.close()
        self._channels.clear()


def _kind(event: bus.Event) -> tuple[str, bytes | str]:
    if event.text:
        return "clipboard", event.text
    if event.binary[:1] == bytes([binary.PointerShape.TYPE]):
        return "shape", event.binary
    if event.binary[:1] == bytes([binary.PointerPosition.TYPE]):
        return "position", event.binary
    raise ProtocolError("event: neither pointer nor clipboard")
