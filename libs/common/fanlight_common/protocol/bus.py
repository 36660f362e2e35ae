"""Messages between services, all but frames and access units. msgpack, see `wire`.

Pure. To the directory's inlet: Heartbeat, Farewell. On the directory's outlet: DeskRecord,
LeaseRecord, ServiceRecord, ClockRecord. To a capture's inlet: Grab, GrabNext, Input,
ViewerAlive, ReleaseViewer, SetClipboard. To an encoder's inlet: RequestIdr, StreamDemand. On a
capture's outlet, under `events/`: Event.
"""

from dataclasses import dataclass, field
from typing import ClassVar

from fanlight_common.protocol import wire


@dataclass(frozen=True, slots=True)
class DeskOffer:
    """A desk as its capture offers it, size in pixels (0 x 0 while its display is away)."""

    name: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class HeldStream:
    """A stream that an encoder is encoding, and the epoch of the lease it does so by."""

    stream: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A process to the directory, several times a second: I am alive, here, and offer this.

    `id` names the place (a restarted process keeps it), `instance` the incarnation (it changes).
    `host` is equal for processes that can share memory. `outlet` and `inlet` are ZeroMQ endpoints,
    `http` a base URL or "". `capacity` counts streams; `load` is 0 to 1.
    """

    TYPE: ClassVar[int] = 1

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
    """A process to the directory as it ends: do not wait for my silence."""

    TYPE: ClassVar[int] = 2

    id: str
    instance: str


@dataclass(frozen=True, slots=True)
class DeskRecord:
    """Where a desk is captured. `alive` is false once its capture has gone silent.

    A desk whose display is away is alive with size 0 x 0.
    """

    TYPE: ClassVar[int] = 10

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
        """As viewers are told: `live`, `away` (its display is gone) or `gone` (its capture is)."""
        if not self.alive:
            return "gone"
        return "live" if self.width and self.height else "away"


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """Who encodes a stream. `alive` is false while there is no encoder to be had.

    Epochs of one stream only grow: units of an older epoch are not to be shown. With one exception:
    an encoder that gives the stream up by itself goes on until the first IDR of the next one is
    there. `handover_from`: units of that epoch and later ones may be shown until then; 0: what is
    older than `epoch` is out at once.
    """

    TYPE: ClassVar[int] = 11

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

    kind: str
    id: str
    alive: bool
    instance: str
    host: str
    http: str


@dataclass(frozen=True, slots=True)
class ClockRecord:
    """What the directory's clock says (`protocol.busclock`), to who has just asked."""

    TYPE: ClassVar[int] = 13

    bus_us: int


@dataclass(frozen=True, slots=True)
class Grab:
    """To a capture: publish the desk as it is now under `still/`."""

    TYPE: ClassVar[int] = 20

    desk: str


@dataclass(frozen=True, slots=True)
class GrabNext:
    """To a capture: publish the desk under `still/` once it differs from frame `sequence`.

    At once, if it does already or that is not the newest frame. One answer; until then a desk that
    does not change costs nothing. Asking again is no second wish.
    """

    TYPE: ClassVar[int] = 26

    desk: str
    sequence: int


@dataclass(frozen=True, slots=True)
class Input:
    """To a capture: one input message of a viewer, as it came (`protocol.binary`, 0x20 to 0x2f).

    `sequence` counts the messages of one viewer from 1, so that a gap shows. `sent_us` is when it
    came, bus clock; 0 where that is not known.
    """

    TYPE: ClassVar[int] = 21

    desk: str
    viewer: str
    sequence: int
    message: bytes
    sent_us: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class ViewerAlive:
    """To a capture, about once a second: this viewer is still there, keep its keys down."""

    TYPE: ClassVar[int] = 22

    desk: str
    viewer: str


@dataclass(frozen=True, slots=True)
class ReleaseViewer:
    """To a capture: release what this viewer holds down. `reason`: left, blur, lost."""

    TYPE: ClassVar[int] = 23

    desk: str
    viewer: str
    reason: str


@dataclass(frozen=True, slots=True)
class SetClipboard:
    """To a capture: the viewer copied this text."""

    TYPE: ClassVar[int] = 24

    desk: str
    viewer: str
    text: str


@dataclass(frozen=True, slots=True)
class Event:
    """From a capture: one message for every viewer of the desk, ready to be passed on.

    `sequence` counts the desk's events. A subscriber that sees a gap subscribes again, on which
    the capture sends the present pointer shape, pointer position and clipboard once more.
    Exactly one of the two is not empty: `binary` (`protocol.binary` 0x03, 0x04) or `text`
    (`protocol.control`, a clipboard message).
    """

    TYPE: ClassVar[int] = 25

    sequence: int
    binary: bytes
    text: str


@dataclass(frozen=True, slots=True)
class RequestIdr:
    """To an encoder: somebody's gate is closed, make the next unit of this stream an IDR."""

    TYPE: ClassVar[int] = 30

    stream: str


@dataclass(frozen=True, slots=True)
class StreamDemand:
    """To an encoder, at each change and about once a second: has any of my viewers room?

    An encoder skips a frame, before encoding, while every gateway it has heard of lately has none.
    `kbps` is what the slowest of the viewers can take, 0 where that is not known. `in_band`: that
    is of viewers whose paths are known to carry this stream. The stream's rate is the least that it
    has heard of lately in band, or of all where nobody is: the others have just come, or are about
    to move to a lower rendition, and change nothing for the rest.
    """

    TYPE: ClassVar[int] = 31

    stream: str
    gateway: str
    room: bool
    kbps: int
    in_band: bool


DirectoryInlet = Heartbeat | Farewell
CaptureInlet = Grab | GrabNext | Input | ViewerAlive | ReleaseViewer | SetClipboard
EncoderInlet = RequestIdr | StreamDemand
StandingRecord = DeskRecord | LeaseRecord | ServiceRecord
"""True until the next one of its topic."""
DirectoryOutlet = StandingRecord | ClockRecord

encode = wire.pack


def decode_directory_inlet(data: bytes) -> DirectoryInlet:
    """What a process told the directory. Raises ProtocolError."""
    return wire.unpack(data, Heartbeat, Farewell)  # type: ignore[return-value]  # one of these


def decode_directory_outlet(data: bytes) -> DirectoryOutlet:
    """A record that the directory published. Raises ProtocolError."""
    return wire.unpack(data, DeskRecord, LeaseRecord, ServiceRecord, ClockRecord)  # type: ignore[return-value]  # one of these


def decode_capture_inlet(data: bytes) -> CaptureInlet:
    """What a capture was told. Raises ProtocolError."""
    return wire.unpack(data, Input, Grab, GrabNext, ViewerAlive, ReleaseViewer, SetClipboard)  # type: ignore[return-value]  # one of these


def decode_encoder_inlet(data: bytes) -> EncoderInlet:
    """What an encoder was told. Raises ProtocolError."""
    return wire.unpack(data, RequestIdr, StreamDemand)  # type: ignore[return-value]  # one of these


def decode_event(data: bytes) -> Event:
    """A capture's event. Raises ProtocolError."""
    return wire.unpack(data, Event)
