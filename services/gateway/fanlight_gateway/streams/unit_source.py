"""A gateway's connection to one encoder for one stream: units from it, wishes to it.

Lives on the worker's loop. Exists from the lease until another encoder has taken over; there may be
two for one stream for a moment (see `handover`). Drops nothing by itself.
"""

import asyncio
import logging
from collections.abc import Callable

from fanlight_common.bus.sockets import SocketRole
from fanlight_common.core.errors import ProtocolError
from fanlight_common.process import refusals
from fanlight_common.process.worker import Worker
from fanlight_common.protocol import bus, topics
from fanlight_common.protocol.binary import VideoUnit
from fanlight_gateway import metrics
from fanlight_gateway.core.idr_requests import IdrPolicy
from fanlight_gateway.streams.inlets import Hold, Inlets

log = logging.getLogger(__name__)
DEMAND_INTERVAL_S = 1.0
RATE_NEWS_SHARE = 0.03
"""A rate that changed by less waits for the next regular word."""

OnUnit = Callable[["Source", VideoUnit, bytes], None]


class Source:
    """One encoder, as a stream's gateway knows it, until `close`."""

    def __init__(
        self,
        worker: Worker,
        inlets: Inlets,
        group: asyncio.TaskGroup,
        lease: bus.LeaseRecord,
        idr: IdrPolicy,
        on_unit: OnUnit,
    ) -> None:
        self.instance = lease.instance
        self._stream = lease.stream
        self._idr = idr
        self._on_unit = on_unit
        self._told: bus.StreamDemand | None = None
        """As the encoder was told last."""
        self._told_at = 0.0
        self._inlet = Hold(inlets)
        self._inlet.move(lease.inlet)
        self._socket = worker.network.open(SocketRole.UNITS)
        self._socket.subscribe(topics.unit(lease.stream))
        worker.network.connect(self._socket, lease.outlet)
        self._task = group.create_task(self._receive())

    def close(self) -> None:
        """End the demand."""
        self._task.cancel()
        self._socket.close(linger=0)
        self._inlet.move("")

    def begin_anew(self) -> None:
        """It has the stream by another lease, so what it was told is over."""
        self._idr.reset()
        self._told = None

    def came(self) -> None:
        """An IDR arrived."""
        self._idr.came()

    def ask(self, wanted: bool, now: float) -> None:
        """Ask for an IDR where one is `wanted`, and it is time."""
        if not self._idr.poll(wanted, now * 1000):
            return
        if self._inlet.tell(bus.encode(bus.ForceIdr(self._stream))):
            metrics.idr_requests.inc()
        else:  # the sockets have not found each other yet; the next tick tries again
            self._idr.reset()

    def demand(self, demand: bus.StreamDemand, now: float) -> None:
        """Tell of room and rate, where that is news or due again."""
        if self._is_news(demand) or now - self._told_at >= DEMAND_INTERVAL_S:
            was_told = self._inlet.tell(bus.encode(demand))
            self._told, self._told_at = demand if was_told else None, now

    def _is_news(self, demand: bus.StreamDemand) -> bool:
        told = self._told
        if told is None or (demand.room, demand.in_band) != (told.room, told.in_band):
            return True
        return abs(demand.kbps - told.kbps) > RATE_NEWS_SHARE * told.kbps

    async def _receive(self) -> None:
        while not self._socket.closed:  # what comes may be what ends it
            parts = await self._socket.recv_multipart()
            try:
                if len(parts) != 2:
                    raise ProtocolError(f"unit: {len(parts)} parts, wants 2")
                unit = VideoUnit.decode(parts[1])
            except ProtocolError as error:
                metrics.refused.labels("unit").inc()
                refusals.note(log, "units", error, self.instance)
            else:
                self._on_unit(self, unit, parts[1])
