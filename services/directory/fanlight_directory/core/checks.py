"""Checks of what a process says of itself, made before any state is touched.

Pure. Raises ProtocolError for what cannot be. What passes is well-formed, which need not be true.
"""

from dataclasses import replace

from fanlight_common.core.errors import NotUnderstoodError, ProtocolError
from fanlight_common.core.names import check_name, split_stream
from fanlight_common.protocol import bus, topics

MAX_EPOCH = 2**32 - 1
"""Epochs are u32 on the wire."""
_MAX_CLAIM = MAX_EPOCH - 2**16
"""A claim above this would leave its stream no epochs to grow into. Unix time: in 2106."""
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
    # Written so that not-a-number fails too: it would make "least loaded" mean nothing.
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


def known_streams(beat: bus.Heartbeat) -> tuple[bus.Heartbeat, list[NotUnderstoodError]]:
    """The heartbeat without those streams whose codec or kind is of a later release.

    This directory gave no lease of them, and the encoder's other streams are as good as any. The
    very same object where there are none.
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
            pass  # `check_heartbeat` says so
        held.append(stream)
    return (replace(beat, streams=tuple(held)) if unknown else beat), unknown


def left_behind(topic: bytes) -> tuple[str, str] | None:
    """Id and instance of the process whose presence this topic is; None: it is another topic."""
    match topics.parse(topic):
        case ("present", id_, instance):
            return id_, instance
        case _:
            return None


def names_many(topic: bytes) -> bool:
    """Is it the prefix of several topics, and none itself?"""
    slashes = topic.count(b"/")
    return slashes < 2 or (slashes == 2 and topic.startswith((topics.SERVICES, topics.LEASES)))


def asked_stream(topic: bytes) -> str | None:
    """The stream whose lease a subscription to `topic` asks for; None where it asks for none.

    Prefixes ("", "desk/", "lease/") only listen. Raises ProtocolError for what can never be
    answered.
    """
    for family in (topics.DESKS, topics.SERVICES, topics.LEASES):
        if family.startswith(topic):
            return None
    parts = topics.parse(topic)
    match parts:
        case ("desk", desk):
            check_name(desk)
        case ("present", id_, instance) if instance:
            check_name(id_)
        case ("service", *names) if len(names) <= 2:
            for name in names:
                check_name(name)
        case ("lease", desk):
            check_name(desk)
        case ("lease", desk, rendition):
            stream = f"{desk}/{rendition}"
            split_stream(stream)
            return stream
        case _:
            raise ProtocolError(f"not a topic of the directory: {topic[:80]!r}")
    return None
