"""Which capture a desk is watched through: what captures offer, turned into desk records.

Pure. Owns the offers of the living captures. If two captures offer one desk, the one that came
later has it until it goes, because the other one most likely hangs or is about to die.
"""

from dataclasses import dataclass

from fanlight_common.protocol import bus, topics
from fanlight_directory.core.effects import Contested, Effect, Publish


@dataclass(frozen=True, slots=True)
class _Offer:
    beat: bus.Heartbeat
    order: int
    width: int
    height: int


class DeskRecords:
    """Every desk that is or was offered."""

    def __init__(self) -> None:
        self._offers: dict[str, dict[str, _Offer]] = {}
        """The offers of each desk, by the id of the process."""
        self._names: dict[str, set[str]] = {}
        """The desks that each process offers."""
        self.records: dict[str, bus.DeskRecord] = {}
        """The record of each desk. A gone desk's record (not `alive`) stays until `forget`."""

    def offered(self, beat: bus.Heartbeat, order: int) -> list[Effect]:
        """Take in the offers of a heartbeat. The process offers these desks now, and no others."""
        effects: list[Effect] = []
        names = {desk.name for desk in beat.desks}
        for gone in sorted(self._names.get(beat.id, set()) - names):
            effects += self._withdraw(gone, beat.id)
        self._names[beat.id] = names
        for desk in beat.desks:
            offers = self._offers.setdefault(desk.name, {})
            newcomer = beat.id not in offers
            offers[beat.id] = _Offer(beat, order, desk.width, desk.height)
            effects += self._settle(desk.name)
            if newcomer and len(offers) > 1:
                kept = self.records[desk.name].id
                ignored = ", ".join(sorted(offers.keys() - {kept}))
                effects.append(Contested("desk", desk.name, kept, ignored))
        return effects

    def withdrawn(self, id_: str) -> list[Effect]:
        """Take back all offers of a process that is gone."""
        effects: list[Effect] = []
        for desk in sorted(self._names.pop(id_, set())):
            effects += self._withdraw(desk, id_)
        return effects

    def forget(self, desk: str) -> None:
        """Delete the record of a desk that has been gone for long."""
        del self.records[desk]

    def _withdraw(self, desk: str, id_: str) -> list[Effect]:
        offers = self._offers[desk]
        del offers[id_]
        if not offers:
            del self._offers[desk]
        return self._settle(desk)

    def _settle(self, desk: str) -> list[Effect]:
        """Publish the desk's record if it has changed."""
        offers = self._offers.get(desk)
        before = self.records.get(desk)
        if offers:
            best = max(offers.values(), key=lambda offer: offer.order)
            record = bus.DeskRecord(
                desk=desk,
                alive=True,
                id=best.beat.id,
                instance=best.beat.instance,
                host=best.beat.host,
                outlet=best.beat.outlet,
                inlet=best.beat.inlet,
                width=best.width,
                height=best.height,
            )
        else:
            record = bus.DeskRecord(desk, False, "", "", "", "", "", 0, 0)
        if record == before:
            return []
        self.records[desk] = record
        return [Publish(topics.desk(desk), record)]
