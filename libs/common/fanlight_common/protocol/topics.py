"""The topics on the bus. A subscription to a topic is demand for it.

Pure; owns and drops nothing. Every topic ends with a slash, so that no topic is the prefix of
another desk's. A stream's name is `<desk>/<rest>` with no slash in the rest (see `core.names`), so
that no stream's topic is the prefix of another stream's.

Framing: a frame is a single-part message, topic and frame in one (see `frames`), because ZeroMQ's
CONFLATE works for single parts only. Every other published message has two parts: [topic, message].
A process passes over topics that it does not know, so that a later release may add some.

On the directory's outlet:
    desk/<desk>/                  DeskRecord, now and at each change
    lease/<stream>/               LeaseRecord; subscribing asks for a lease
    service/<kind>/<id>/          ServiceRecord
    clock/<id>/<number>/          ClockRecord, once; a process asks each time by a new number
    present/<id>/<instance>/      nothing; every process subscribes to its own. The subscription
                                  ends with its connection, and the directory is told of that
On a capture's outlet:
    frame/<desk>/<lane>/          every frame; being subscribed makes capture grab
    screenshot/<desk>/<lane>/     the same frames, grabbed only by Grab, GrabNext and subscribing
    events/<desk>/                numbered pointer and clipboard events
    ack/<desk>/<viewer>/          InputAck, for each Input of this viewer that wants one
On an encoder's outlet:
    unit/<stream>/                VideoUnit bytes; being subscribed makes the encoder encode
"""

from enum import StrEnum

from fanlight_common.core.errors import ProtocolError


class Lane(StrEnum):
    """How a frame's pixels travel."""

    SHM = "shm"
    """In a shared memory ring on the same host. The message says only where in the ring."""
    PIXELS = "pixels"
    """In the message itself, to any host."""


DESKS = b"desk/"
LEASES = b"lease/"
SERVICES = b"service/"
CLOCKS = b"clock/"


def desk(name: str) -> bytes:
    """Return the topic of the record of one desk."""
    return f"desk/{name}/".encode()


def lease(stream: str) -> bytes:
    """Return the topic of the lease of one stream."""
    return f"lease/{stream}/".encode()


def service(kind: str, id_: str = "") -> bytes:
    """Return the topic of one process's record, or the prefix of all topics of that kind."""
    return f"service/{kind}/{id_}/".encode() if id_ else f"service/{kind}/".encode()


def presence(id_: str, instance: str) -> bytes:
    """Return the topic to which this very process subscribes, and nobody else."""
    return f"present/{id_}/{instance}/".encode()


def clock(id_: str, number: int) -> bytes:
    """Return the topic of one question for the directory's clock. Each has another `number`."""
    return f"clock/{id_}/{number}/".encode()


def frame(desk_name: str, lane: Lane) -> bytes:
    """Return the topic of a desk's frames."""
    return f"frame/{desk_name}/{lane}/".encode()


def screenshot(desk_name: str, lane: Lane) -> bytes:
    """Return the topic of a desk's frames for those who ask for single ones with Grab."""
    return f"screenshot/{desk_name}/{lane}/".encode()


def events(desk_name: str) -> bytes:
    """Return the topic of a desk's pointer and clipboard events."""
    return f"events/{desk_name}/".encode()


def ack(desk_name: str, viewer: str) -> bytes:
    """Return the topic of the acknowledgements of one viewer's input."""
    return f"ack/{desk_name}/{viewer}/".encode()


def unit(stream: str) -> bytes:
    """Return the topic of a stream's units."""
    return f"unit/{stream}/".encode()


def parse(topic: bytes) -> tuple[str, ...]:
    """Split a full topic: b"unit/main/high/" -> ("unit", "main", "high").

    Raises ProtocolError for a topic that does not end with a slash, or is not ASCII.
    """
    try:
        text = topic.decode("ascii")
    except UnicodeDecodeError:
        raise ProtocolError("topic is not ASCII") from None
    if not text.endswith("/") or len(text) > 200:
        raise ProtocolError(f"not a topic: {text[:80]!r}")
    return tuple(text[:-1].split("/"))
