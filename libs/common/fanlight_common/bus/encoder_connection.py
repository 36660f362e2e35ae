"""One connection to one encoder, for one stream: its units arrive, its inlet is told of demand.

Lives on the worker's loop. A connection exists from the lease until another encoder has taken over;
during a handover a stream has two connections (`core.handover`). Drops data that is not a unit, and
tells its owner.
"""

import asyncio
import logging
from collections.abc import Callable

from fanlight_common.bus.inlet_connections import CurrentInlet, InletConnections
from fanlight_common.bus.member import BusMember
from fanlight_common.bus.sockets import SocketRole, closed_on_error
from fanlight_common.core.errors import ProtocolError
from fanlight_common.core.idr_requests import IdrRequests
from fanlight_common.process import refusals
from fanlight_common.process.tasks import start
from fanlight_common.protocol import bus, topics
from fanlight_common.protocol.binary import VideoUnit

log = logging.getLogger(__name__)
DEMAND_INTERVAL_S = 1.0
"""An unchanged demand is sent again after this time, because an encoder forgets it otherwise."""
RATE_CHANGE_SHARE = 0.03
"""A rate that has changed by a smaller share of itself waits for the next regular message."""

OnUnit = Callable[["EncoderConnection", VideoUnit, bytes], None]


class EncoderConnection:
    """One encoder of one stream, from creation until `close`."""

    def __init__(
        self,
        member: BusMember,
        inlets: InletConnections,
        group: asyncio.TaskGroup,
        lease: bus.LeaseRecord,
        requests: IdrRequests,
        *,
        on_unit: OnUnit,
        on_refused: Callable[[], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """Connect. If that raises, nothing of the connection is left behind.

        `on_refused` is called for a message that is no unit. `failed` is called with what `on_unit`
        or the socket raised, after which nothing more is received.
        """
        self.instance = lease.instance
        self._stream = lease.stream
        self._requests = requests
        self._on_unit = on_unit
        self._on_refused = on_refused
        self._failed = failed
        self._told: bus.StreamDemand | None = None
        """The demand that the encoder was told last."""
        self._told_at = 0.0
        self._inlet = CurrentInlet(inlets)
        self._socket = member.network.open_connected(
            SocketRole.UNITS, lease.outlet, topics.unit(lease.stream)
        )
        with closed_on_error(self._socket):
            self._inlet.move(lease.inlet)
            try:
                self._task = start(group, self._receive())
            except BaseException:
                self._inlet.move("")
                raise

    def close(self) -> None:
        """Unsubscribe, which ends the demand, and release the inlet."""
        self._task.cancel()
        self._socket.close(linger=0)
        self._inlet.move("")

    def lease_renewed(self) -> None:
        """Note that the encoder has another lease now, and has forgotten what it was told."""
        self._requests.reset()
        self._told = None

    def idr_arrived(self) -> None:
        """Note that the encoder has sent an IDR."""
        self._requests.arrived()

    def request_idr(self, wanted: bool, now: float) -> bool:
        """Ask for an IDR if one is `wanted` and a request is due. Returns True if it asked."""
        if not self._requests.take_due(wanted, now):
            return False
        if self._inlet.tell(bus.encode(bus.ForceIdr(self._stream))):
            return True
        # The sockets have not found each other yet: the next call tries again.
        self._requests.reset()
        return False

    def tell_demand(self, demand: bus.StreamDemand, now: float) -> None:
        """Tell the encoder of room and rate if they have changed, or if the last message is old."""
        if self._has_changed(demand) or now - self._told_at >= DEMAND_INTERVAL_S:
            was_told = self._inlet.tell(bus.encode(demand))
            self._told, self._told_at = demand if was_told else None, now

    def _has_changed(self, demand: bus.StreamDemand) -> bool:
        told = self._told
        if told is demand:
            return False
        if told is None or (demand.room, demand.in_band) != (told.room, told.in_band):
            return True
        return abs(demand.kbps - told.kbps) > RATE_CHANGE_SHARE * told.kbps

    async def _receive(self) -> None:
        try:
            while not self._socket.closed:  # taking a unit may have closed it
                self._take(await self._socket.recv_multipart())
        except Exception as error:  # noqa: BLE001 - ends the stream it is about, not the process
            self._failed(error)

    def _take(self, parts: list[bytes]) -> None:
        try:
            if len(parts) != 2:
                raise ProtocolError(f"unit: {len(parts)} parts, wants 2")
            unit = VideoUnit.decode(parts[1])
        except ProtocolError as error:
            self._on_refused()
            refusals.note(log, "units", error, self.instance)
        else:
            self._on_unit(self, unit, parts[1])
