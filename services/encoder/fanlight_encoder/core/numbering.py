"""What a unit is labelled with, and whose turn it is to label: epoch, sequence, time.

Pure.
"""

from fanlight_common.protocol import bus

_U32 = 0xFFFFFFFF


def held_epoch(record: bus.DirectoryOutlet, id_: str, instance: str) -> int | None:
    """The epoch by which this very process may encode the stream; None: it may not.

    The fence: an encoder that was thought dead, and is still subscribed to, falls silent.
    """
    if not isinstance(record, bus.LeaseRecord) or not record.alive:
        return None
    if (record.id, record.instance) != (id_, instance) or not 0 < record.epoch <= _U32:
        return None
    return record.epoch


def may_go_on(record: bus.DirectoryOutlet, epoch: int) -> bool:
    """Whether who encodes by `epoch`, which is over, may do so until its successor has begun.

    So when it was relieved of it; not when it was thought dead.
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
        """Sequence and time of the next unit.

        None: its picture is not known to be current, so it gets no younger than the last.
        """
        self._sequence += 1
        self._captured_us = max(captured_us or 0, self._captured_us + 1)
        return self._sequence, self._captured_us
