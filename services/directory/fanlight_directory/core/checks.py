"""Checks of a heartbeat, made before any state is touched.

Pure. `check_heartbeat` raises ProtocolError. A heartbeat that passes has valid fields. Its content
may still be wrong.
"""

from dataclasses import replace

from fanlight_common.core.errors import NotUnderstoodError, ProtocolError
from fanlight_common.core.names import check_name, split_stream
from fanlight_common.protocol import bus

MAX_EPOCH = 2**32 - 1
"""Epochs are u32 on the wire."""
_MAX_CLAIM = MAX_EPOCH - 2**16
"""A larger claim is refused, because the stream could get no larger epoch. Unix time gets there in
2106."""
_MAX_TEXT = 256
_MAX_CAPACITY = 10_000
_MAX_SIDE_PX = 32_768


def check_heartbeat(beat: bus.Heartbeat) -> None:
    """Raise ProtocolError unless every field makes sense."""
    check_name(beat.kind)
    check_name(beat.id)
    for text in (beat.instance, beat.host, beat.outlet, beat.inlet, beat.http):
        if len(text) > _MAX_TEXT:
            raise ProtocolError(f"heartbeat of {beat.id}: a field of {len(text)} characters")
    if not beat.instance:
        raise ProtocolError(f"heartbeat of {beat.id}: no instance")
    if not 0 <= beat.capacity <= _MAX_CAPACITY:
        raise ProtocolError(f"heartbeat of {beat.id}: capacity {beat.capacity}")
    # This comparison also refuses not-a-number, with which no encoder would be the least loaded.
    if not 0 <= beat.load <= 1:
        raise ProtocolError(f"heartbeat of {beat.id}: load {beat.load}")
    for desk in beat.desks:
        check_name(desk.name)
        if not (0 <= desk.width <= _MAX_SIDE_PX and 0 <= desk.height <= _MAX_SIDE_PX):
            raise ProtocolError(f"heartbeat of {beat.id}: desk of {desk.width}x{desk.height}")
    for held in beat.streams:
        split_stream(held.stream)
        if not 0 < held.epoch <= _MAX_CLAIM:
            raise ProtocolError(f"heartbeat of {beat.id}: epoch {held.epoch}")


def without_unknown_streams(beat: bus.Heartbeat) -> tuple[bus.Heartbeat, list[NotUnderstoodError]]:
    """Return the heartbeat without streams whose codec or kind is of a later release, and why.

    The rest of the heartbeat is kept, because only these streams are unknown. If no stream is
    unknown, the heartbeat that comes back is the same object.
    """
    unknown: list[NotUnderstoodError] = []
    held: list[bus.HeldStream] = []
    for stream in beat.streams:
        try:
            split_stream(stream.stream)
        except NotUnderstoodError as error:
            unknown.append(error)
            continue
        except ProtocolError:
            pass  # It is kept here, because `check_heartbeat` raises for it.
        held.append(stream)
    return (replace(beat, streams=tuple(held)) if unknown else beat), unknown
