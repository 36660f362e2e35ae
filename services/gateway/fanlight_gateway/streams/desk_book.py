"""Knows what the directory says of desks, and of the screenshot services that are alive.

Lives on the worker's loop. Keeps every desk that the directory ever told of. If a record causes an
error here, the record is dropped and the error is logged; what was known of that desk or service
stays.
"""

import asyncio
import zlib

from fanlight_common.protocol import bus, topics
from fanlight_common.service.worker import Worker


class DeskBook:
    """What the gateway looks up at the directory for as long as it runs."""

    def __init__(self, worker: Worker) -> None:
        self.heard = False
        """Has the directory answered? Its record of this process is the first that comes."""
        self._desks: dict[str, bus.DeskRecord] = {}
        self._screenshots: dict[str, bus.ServiceRecord] = {}
        self._changed = asyncio.Event()
        """Set at each record, and replaced by a new event."""
        self._directory = worker.directory
        # There is no `failed`, because a watch is about all desks and goes on with the next record.
        self._end_watches = [
            worker.directory.watch(topics.DESKS, self._on_record),
            worker.directory.watch(topics.service("screenshot"), self._on_record),
            worker.directory.watch(topics.service(worker.kind, worker.id), self._on_record),
        ]

    @property
    def told_since(self) -> float | None:
        """Since when the directory has been there (clock.now_s). None if it is away."""
        return self._directory.reachable_since

    def close(self) -> None:
        """End the look-ups."""
        for end in self._end_watches:
            end()

    def desks(self) -> list[bus.DeskRecord]:
        """Return every desk, sorted by name."""
        return [self._desks[name] for name in sorted(self._desks)]

    async def desk(self, name: str, wait_s: float) -> bus.DeskRecord | None:
        """Wait for the desk's record. Returns None if the directory does not tell of the desk
        within `wait_s`."""
        try:
            async with asyncio.timeout(wait_s):
                while name not in self._desks:
                    await self._changed.wait()
        except TimeoutError:
            return None
        return self._desks[name]

    def screenshot_urls(self, desk: str) -> list[str]:
        """Return the base URLs of the living screenshot services, in the order to ask them.

        Each desk prefers one service, so that its pictures are encoded once for all viewers.
        """
        alive = [r for r in self._screenshots.values() if r.alive and r.http]
        alive.sort(key=lambda record: zlib.crc32(f"{desk} {record.id}".encode()))
        return [record.http for record in alive]

    def _on_record(self, record: bus.DirectoryOutlet) -> None:
        self.heard = True
        match record:
            case bus.DeskRecord():
                self._desks[record.desk] = record
            case bus.ServiceRecord(kind="screenshot", alive=True):
                self._screenshots[record.id] = record
            case bus.ServiceRecord(kind="screenshot"):
                self._screenshots.pop(record.id, None)
            case _:
                pass
        self._changed.set()
        self._changed = asyncio.Event()
