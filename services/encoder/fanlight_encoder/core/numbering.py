"""The labels of a unit (epoch, sequence, time), and which encoder may give them.

Pure; used on the worker's loop. `Numbering` owns the last labels of one epoch; nothing is dropped.
The epoch of a lease says which encoder may label.
"""

from fanlight_common.protocol import bus

_U32 = 0xFFFFFFFF


def held_epoch(record: bus.DirectoryOutlet, id_: str, instance: str) -> int | None:
    """Return the epoch by which this very process may encode the stream, None if it may not.

    This is the fence: an encoder that the directory took for dead stops sending, although gateways
    are still subscribed to it.
    """
    if not isinstance(record, bus.LeaseRecord) or not record.alive:
        return None
    if (record.id, record.instance) != (id_, instance) or not 0 < record.epoch <= _U32:
        return None
    return record.epoch


def may_go_on(record: bus.DirectoryOutlet, epoch: int) -> bool:
    """Return whether the encoder of `epoch`, which is over, may go on until its successor begins.

    It may if the directory has moved the lease (a handover), and not if it was taken for dead.
    """
    if not isinstance(record, bus.LeaseRecord) or not record.alive:
        return False
    return 0 < record.handover_from <= epoch < record.epoch


class Numbering:
    """The labels of one epoch: sequences from 1 on, and times that grow strictly and are not 0."""

    def __init__(self) -> None:
        self._sequence = 0
        self._captured_us = 0

    def next(self, captured_us: int | None) -> tuple[int, int]:
        """Return sequence and time (microseconds of the bus clock) of the next unit.

        `captured_us` None means that its picture is not known to be current. The unit's time is
        then only a microsecond later than that of the unit before it.
        """
        self._sequence += 1
        self._captured_us = max(captured_us or 0, self._captured_us + 1)
        return self._sequence, self._captured_us
