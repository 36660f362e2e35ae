"""A consumer's view of one stream's units, whichever encoder has the stream's lease now.

Lives on the worker's loop; nothing here waits. The feed's subscriptions to the lease and to the
units are the demand that makes an encoder encode, so a feed exists only while its consumer wants
units. It follows the lease from encoder to encoder (`core.handover`), asks for IDRs
(`core.idr_requests`) and tells the encoder of room and rate. Drops units of epochs that are over,
and units of an encoder whose first IDR has not arrived. The consumer itself finds gaps in the
sequence (`core.unit_order`).

An error ends this one feed: the watch of the lease and the connections are closed, the error is
logged once, and the consumer is told (`UnitConsumer.failed`).
"""

import asyncio
import logging
from collections.abc import Callable
from enum import Enum
from typing import NamedTuple, Protocol

from fanlight_common.bus.encoder_connection import EncoderConnection
from fanlight_common.bus.inlet_connections import InletConnections
from fanlight_common.bus.member import BusMember
from fanlight_common.core.handover import Handover, LeaseChange, Verdict
from fanlight_common.core.idr_requests import IdrRequestLimits, IdrRequests
from fanlight_common.process import clock
from fanlight_common.process.ticks import tick
from fanlight_common.protocol import bus, topics
from fanlight_common.protocol.binary import VideoUnit

log = logging.getLogger(__name__)
TICK_S = 0.125
"""Seconds. It divides the heartbeats' interval, so that every second tick costs no wake-up of its
own. The gateway's clock ticks with it."""


class UnitDemand(NamedTuple):
    """What a consumer wants of the stream at this moment (`bus.StreamDemand`)."""

    wants_idr: bool
    """Would an IDR help, and is there room for it?"""
    room: bool
    """Can a unit be taken? An encoder skips frames while no consumer of the stream has room."""
    kbps: int
    """The rate that the consumer can take, kbit/s. 0 means unknown."""
    in_band: bool
    """Is that rate known to be enough for this stream?"""


class FeedEvent(Enum):
    """What a consumer may want to count."""

    REFUSED = "refused"
    """A message was no unit, and was dropped."""
    OLD = "old"
    """A unit was dropped because its epoch is over."""
    EARLY = "early"
    """A unit was dropped because its encoder's first IDR has not arrived."""
    IDR_REQUESTED = "idr_requested"
    """The encoder was asked for an IDR."""


class UnitConsumer(Protocol):
    """What a feed calls, on the loop. The first calls may come while the feed is being made."""

    def take(self, unit: VideoUnit, data: bytes) -> None:
        """Take the next unit: decoded, and the bytes as they came."""

    def demand(self) -> UnitDemand:
        """Return what is wanted now. Called after each unit, each lease and each `settle`."""

    def lease_changed(self, is_leased: bool) -> None:
        """Note that an encoder has the stream now, or that none has."""

    def interrupted(self) -> None:
        """Note that the next unit does not continue the one before, so only an IDR helps."""

    def counted(self, event: FeedEvent) -> None:
        """Count that this happened once."""

    def failed(self, error: Exception) -> None:
        """Note that the feed was closed because of this error, which was logged."""


class UnitFeed:
    """Units of one stream from the moment of creation until `close`."""

    def __init__(
        self,
        member: BusMember,
        inlets: InletConnections,
        group: asyncio.TaskGroup,
        stream: str,
        consumer: UnitConsumer,
        limits: IdrRequestLimits | None = None,
    ) -> None:
        """Subscribes to the lease of `stream` (desk/rendition). `group` runs what receives.

        Raises what the consumer raises about a lease that is known already; then nothing of the
        feed is left behind.
        """
        self.pause_s = 0.0
        """Changes within this time are sent to the encoder together; 0 means each at once."""
        self._member = member
        self._inlets = inlets
        self._group = group
        self._stream = stream
        self._consumer = consumer
        self._limits = limits or IdrRequestLimits()
        self._is_leased = False
        self._is_closed = False
        self._settling: asyncio.TimerHandle | None = None
        self._demand: UnitDemand | None = None
        """The consumer's last demand. `_message` tells the encoders of it."""
        self._message: bus.StreamDemand | None = None
        self._handover = Handover[bus.LeaseRecord]()
        self._encoders: dict[str, EncoderConnection] = {}
        """By instance: the current encoder, and during a handover the next one."""
        self._end_watch: Callable[[], None] | None = None
        """None while the feed is being made."""
        try:
            self._end_watch = member.directory.watch(
                topics.lease(stream), self._on_record, self._failed
            )
        except Exception:
            self.close()
            raise

    def close(self) -> None:
        """End the demand. A second call does nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._end_watch is not None:
            self._end_watch()
        if self._settling is not None:
            self._settling.cancel()
        for encoder in self._encoders.values():
            encoder.close()
        self._encoders.clear()

    async def run(self) -> None:
        """Settle several times a second, for ever.

        A consumer that does not call `settle` at regular times itself needs this, because a request
        may become due by time alone. The gateway calls `settle` itself; this is for a recorder.
        """
        while True:
            await tick(TICK_S)
            self.settle()

    def settle(self) -> None:
        """Tell the encoder what is due, after `pause_s`. The consumer's demand may have changed."""
        if self._settling is not None or self._is_closed:
            return
        if self.pause_s <= 0:
            self._settle()
        else:
            self._settling = asyncio.get_running_loop().call_later(self.pause_s, self._settle)

    def _settle(self) -> None:
        self._settling = None
        newest = self._handover.newest
        # Without a lease there is no connection, and none either if the consumer has just closed
        # this feed.
        encoder = None if newest is None else self._encoders.get(newest.instance)
        if encoder is None or not self._is_leased:
            return
        try:
            demand = self._consumer.demand()
            now = clock.now_s()
            # Of two encoders only the newer one is asked: its IDR is what everybody waits for.
            if encoder.request_idr(demand.wants_idr or self._handover.misses_idr, now):
                self._consumer.counted(FeedEvent.IDR_REQUESTED)
            if self._message is None or demand != self._demand:
                # The message is kept, because this runs for each unit, and most demands are the
                # same as the one before.
                _, room, kbps, in_band = self._demand = demand
                self._message = bus.StreamDemand(self._stream, self._member.id, room, kbps, in_band)
            for each in self._encoders.values():
                each.tell_demand(self._message, now)
        except Exception as error:  # noqa: BLE001 - ends this feed, and not the process
            self._failed(error)

    def _on_record(self, record: bus.DirectoryOutlet) -> None:
        if not isinstance(record, bus.LeaseRecord):
            return
        was_leased, self._is_leased = self._is_leased, record.alive
        if record.alive:
            self._on_lease(record)
        elif was_leased:
            log.info("event=lease stream=%s encoder=none", self._stream)
        if self._is_leased != was_leased:
            self._consumer.lease_changed(self._is_leased)
        self.settle()

    def _on_lease(self, record: bus.LeaseRecord) -> None:
        newest = self._handover.newest
        epoch_before = newest.epoch if newest else 0
        change = self._handover.leased(record)
        if change is LeaseChange.STALE:
            log.warning(
                "event=lease_ignored stream=%s encoder=%s epoch=%d newer=%d",
                *(self._stream, record.id, record.epoch, epoch_before),
            )
            return
        self._connect_encoders()
        if record.epoch != epoch_before or change is not LeaseChange.NOTHING:
            log.info(
                "event=lease stream=%s encoder=%s epoch=%d change=%s",
                *(self._stream, record.id, record.epoch, change.value),
            )
            self._encoders[record.instance].lease_renewed()
        if change is LeaseChange.CUT:
            # This asks for the IDR now, and not when the first delta shows the gap.
            self._consumer.interrupted()

    def _connect_encoders(self) -> None:
        """Connect to the current encoder and to the next one, and disconnect from every other."""
        leases = [self._handover.current, self._handover.next]
        wanted = {lease.instance: lease for lease in leases if lease is not None}
        for instance in self._encoders.keys() - wanted.keys():
            self._encoders.pop(instance).close()
        for instance, lease in wanted.items():
            if instance not in self._encoders:
                self._encoders[instance] = EncoderConnection(
                    self._member,
                    self._inlets,
                    self._group,
                    lease,
                    IdrRequests(self._limits),
                    on_unit=self._on_unit,
                    on_refused=self._on_refused,
                    failed=self._failed,
                )

    def _on_unit(self, encoder: EncoderConnection, unit: VideoUnit, data: bytes) -> None:
        verdict = self._handover.unit(encoder.instance, unit.epoch, idr=unit.idr)
        if verdict is Verdict.OLD:
            self._consumer.counted(FeedEvent.OLD)
        elif verdict is Verdict.EARLY:
            self._consumer.counted(FeedEvent.EARLY)
        else:
            if verdict is Verdict.FIRST:
                self._connect_encoders()
            if unit.idr:
                encoder.idr_arrived()
            self._consumer.take(unit, data)
        self.settle()

    def _on_refused(self) -> None:
        self._consumer.counted(FeedEvent.REFUSED)

    def _failed(self, error: Exception) -> None:
        if self._is_closed:
            return
        if self._end_watch is None:
            raise error  # to the caller that makes the feed
        self.close()
        log.error("event=feed_failed stream=%s", self._stream, exc_info=error)
        self._consumer.failed(error)
