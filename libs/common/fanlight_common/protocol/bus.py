"""Messages between services, except frames and units, in msgpack. `wire` says how one may change.

Pure; owns and drops nothing.

To the directory's inlet: Heartbeat, Farewell. On the directory's outlet: DeskRecord, LeaseRecord,
ServiceRecord, ClockRecord. To a capture's inlet: Grab, GrabNext, Input, ViewerAlive, ReleaseViewer,
SetClipboard. To an encoder's inlet: ForceIdr, StreamDemand. On a capture's outlet: Event under
`events/`, InputAck under `ack/`.
"""

from dataclasses import dataclass, field
from typing import ClassVar

from fanlight_common.protocol import wire


@dataclass(frozen=True, slots=True)
class DeskOffer:
    """A desk as its capture offers it. Size in pixels, 0 x 0 while its display is away."""

    name: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class HeldStream:
    """A stream (its whole name) that an encoder encodes, and the epoch of its lease."""

    stream: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A process tells the directory, several times a second, that it lives and what it offers.

    A restarted process keeps its `id` and gets another `instance`. `host` is equal for processes
    that can share memory. `outlet` and `inlet` are ZeroMQ endpoints, `http` is a base URL or "".
    `capacity` counts streams, `load` is 0 to 1.
    """

    TYPE: ClassVar[int] = 1
    VERSION: ClassVar[int] = 1

    kind: str
    id: str
    instance: str
    host: str
    outlet: str
    inlet: str
    http: str
    desks: tuple[DeskOffer, ...]
    capacity: int
    load: float
    streams: tuple[HeldStream, ...]


@dataclass(frozen=True, slots=True)
class Farewell:
    """A process tells the directory that it ends, so that the directory need not wait to see it."""

    TYPE: ClassVar[int] = 2
    VERSION: ClassVar[int] = 1

    id: str
    instance: str


@dataclass(frozen=True, slots=True)
class DeskRecord:
    """Where a desk is captured. `alive` is false once the directory takes its capture for dead.

    A desk whose display is away is alive with size 0 x 0.
    """

    TYPE: ClassVar[int] = 10
    VERSION: ClassVar[int] = 1

    desk: str
    alive: bool
    id: str
    instance: str
    host: str
    outlet: str
    inlet: str
    width: int
    height: int

    @property
    def state(self) -> str:
        """What viewers are told: `live`, `away` (no display) or `gone` (no capture)."""
        if not self.alive:
            return "gone"
        return "live" if self.width and self.height else "away"


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """Who encodes a stream. `alive` is false while there is no encoder for it.

    Epochs of one stream only grow, and units of an older epoch are not to be shown. There is one
    exception: an encoder that gives the stream up by itself goes on until the first IDR of the next
    encoder arrives. Until then units of epoch `handover_from` and later ones may be shown. With
    `handover_from` 0, units older than `epoch` are out at once.
    """

    TYPE: ClassVar[int] = 11
    VERSION: ClassVar[int] = 1

    stream: str
    alive: bool
    id: str
    instance: str
    outlet: str
    inlet: str
    epoch: int
    handover_from: int = 0


@dataclass(frozen=True, slots=True)
class ServiceRecord:
    """A process of a kind, and its HTTP base URL if it has one."""

    TYPE: ClassVar[int] = 12
    VERSION: ClassVar[int] = 1

    kind: str
    id: str
    alive: bool
    instance: str
    host: str
    http: str


@dataclass(frozen=True, slots=True)
class ClockRecord:
    """The time on the directory's clock, in microseconds, for the process that has just asked.

    See `fanlight_common.core.bus_clock`.
    """

    TYPE: ClassVar[int] = 13
    VERSION: ClassVar[int] = 1

    bus_us: int


@dataclass(frozen=True, slots=True)
class Grab:
    """Asks a capture to publish the desk as it is now under `screenshot/`."""

    TYPE: ClassVar[int] = 20
    VERSION: ClassVar[int] = 1

    desk: str


@dataclass(frozen=True, slots=True)
class GrabNext:
    """Asks a capture to publish the desk under `screenshot/` once it differs from frame `sequence`.

    Capture does so at once if the desk differs already, or if that frame is not the newest one.
    Several requests get one answer. A desk that does not change costs nothing meanwhile.
    """

    TYPE: ClassVar[int] = 26
    VERSION: ClassVar[int] = 1

    desk: str
    sequence: int


@dataclass(frozen=True, slots=True)
class Input:
    """Hands a capture one input message of a viewer, as it came (`protocol.input`).

    `sequence` counts the messages of one viewer from 1, so that a gap shows. `sent_us` is when the
    gateway got the message, in microseconds of the bus clock, or 0 if that is not known. If
    `wants_ack`, capture publishes an InputAck once the display has taken the input.
    """

    TYPE: ClassVar[int] = 21
    VERSION: ClassVar[int] = 1

    desk: str
    viewer: str
    sequence: int
    message: bytes
    sent_us: int = field(default=0, compare=False)
    wants_ack: bool = False


@dataclass(frozen=True, slots=True)
class InputAck:
    """A capture tells one viewer, under `ack/`, that the display has taken one of its Inputs.

    `sequence` is the Input's own. `inputs` counts the inputs of all viewers that this capture
    process has injected, up to that Input: a frame whose `inputs` is as large or larger was grabbed
    after it. An Input that was dropped (the display is away, too many texts wait) gets no answer.
    """

    TYPE: ClassVar[int] = 27
    VERSION: ClassVar[int] = 1

    viewer: str
    sequence: int
    inputs: int


@dataclass(frozen=True, slots=True)
class ViewerAlive:
    """Tells a capture, about once a second, that this viewer is there and its keys stay down."""

    TYPE: ClassVar[int] = 22
    VERSION: ClassVar[int] = 1

    desk: str
    viewer: str


@dataclass(frozen=True, slots=True)
class ReleaseViewer:
    """Asks a capture to release what this viewer holds down. `reason`: left, blur, lost."""

    TYPE: ClassVar[int] = 23
    VERSION: ClassVar[int] = 1

    desk: str
    viewer: str
    reason: str


@dataclass(frozen=True, slots=True)
class SetClipboard:
    """Tells a capture that the viewer copied this text."""

    TYPE: ClassVar[int] = 24
    VERSION: ClassVar[int] = 1

    desk: str
    viewer: str
    text: str


@dataclass(frozen=True, slots=True)
class Event:
    """A capture's message for every viewer of the desk, in the form in which viewers get it.

    `sequence` counts the desk's events. A subscriber that sees a gap subscribes again, and the
    capture then sends the present pointer shape, pointer position and clipboard once more. Either
    `binary` (`protocol.binary` 0x03, 0x04) or `text` (a clipboard message of `protocol.control`) is
    not empty.
    """

    TYPE: ClassVar[int] = 25
    VERSION: ClassVar[int] = 1

    sequence: int
    binary: bytes
    text: str


@dataclass(frozen=True, slots=True)
class ForceIdr:
    """Asks an encoder for an IDR as the stream's next unit, because a viewer's gate is closed."""

    TYPE: ClassVar[int] = 30
    VERSION: ClassVar[int] = 1

    stream: str


@dataclass(frozen=True, slots=True)
class StreamDemand:
    """A gateway tells an encoder, at each change and once a second, what its viewers can take.

    The encoder skips a frame before encoding while no gateway that has reported lately has `room`.
    `kbps` is what the slowest of the gateway's viewers can take, or 0 if that is not known.
    `in_band` says that the path of this viewer is known to carry the stream. The stream's rate is
    the least `kbps` of the late reports that are in band, or the least of all if none is in band:
    viewers out of band have just come, or are about to move to a lower rendition, and must slow
    nobody down.
    """

    TYPE: ClassVar[int] = 31
    VERSION: ClassVar[int] = 1

    stream: str
    gateway: str
    room: bool
    kbps: int
    in_band: bool


DirectoryInlet = Heartbeat | Farewell
CaptureInlet = Grab | GrabNext | Input | ViewerAlive | ReleaseViewer | SetClipboard
EncoderInlet = ForceIdr | StreamDemand
StandingRecord = DeskRecord | LeaseRecord | ServiceRecord
"""A record that holds until the next one of its topic."""
DirectoryOutlet = StandingRecord | ClockRecord

encode = wire.pack


def decode_directory_inlet(data: bytes) -> DirectoryInlet:
    """Return what a process told the directory. Raises ProtocolError."""
    return wire.unpack(data, Heartbeat, Farewell)  # type: ignore[return-value]  # one of these


def decode_directory_outlet(data: bytes) -> DirectoryOutlet:
    """Return a record that the directory published. Raises ProtocolError."""
    return wire.unpack(data, DeskRecord, LeaseRecord, ServiceRecord, ClockRecord)  # type: ignore[return-value]  # one of these


def decode_capture_inlet(data: bytes) -> CaptureInlet:
    """Return what a capture was told. Raises ProtocolError."""
    return wire.unpack(data, Input, Grab, GrabNext, ViewerAlive, ReleaseViewer, SetClipboard)  # type: ignore[return-value]  # one of these


def decode_encoder_inlet(data: bytes) -> EncoderInlet:
    """Return what an encoder was told. Raises ProtocolError."""
    return wire.unpack(data, ForceIdr, StreamDemand)  # type: ignore[return-value]  # one of these


def decode_event(data: bytes) -> Event:
    """Return a capture's event. Raises ProtocolError."""
    return wire.unpack(data, Event)


def decode_input_ack(data: bytes) -> InputAck:
    """Return a capture's acknowledgement of an Input. Raises ProtocolError.

    No service reads it yet: it is for a gateway that tells agents what became of their input.
    """
    return wire.unpack(data, InputAck)
