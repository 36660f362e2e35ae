"""What a unit is labelled with (epoch, sequence, time), and which encoder may label.

Pure. A lease's epoch says who may; `Numbering` owns the last number of one epoch.
"""

from fanlight_common.protocol import bus

_U32 = 0xFFFFFFFF


def held_epoch(record: bus.DirectoryOutlet, id_: str, instance: str) -> int | None:
    """The epoch by which this very process may encode the stream; None: it may not.

    This is the fence: an encoder that the directory thought dead falls silent, although gateways
    are still subscribed to it.
    """
    if not isinstance(record, bus.LeaseRecord) or not record.alive:
        return None
    if (record.id, record.instance) != (id_, instance) or not 0 < record.epoch <= _U32:
        return None
    return record.epoch


def may_go_on(record: bus.DirectoryOutlet, epoch: int) -> bool:
    """Whether the encoder of `epoch`, which is over, may go on until its successor has begun.

    It may if the directory moved the lease (a handover), and not if it was thought dead.
    """
    if not isinstance(record, bus.LeaseRecord) or not record.alive:
        return False
    return 0 < record.handover_from <= epoch < record.epoch


class Numbering:
    """Sequence from 1, times strictly increasing and never zero, within one epoch."""

    def __init__(self) -> None:
        self._sequence = 0
        self._captured_us = 0

    def next(self, captured_us: int | None) -> tuple[int, int]:
        """Sequence and time of the next unit, microseconds of the bus clock.

        `captured_us` None: its picture is not known to be current, so the unit's time is only a
        microsecond later than the last one's.
        """
        self._sequence += 1
        self._captured_us = max(captured_us or 0, self._captured_us + 1)
        return self._sequence, self._captured_us
