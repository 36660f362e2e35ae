"""What carries one viewer's messages: the interface between a viewer and its connection.

A viewer (`viewer.Viewer`) knows messages; a transport knows how they travel. `websocket` and
`plain_http_transport` are the two transports. A third one, WebTransport for example, implements
this protocol and nothing else changes.

**A transport's life.** It calls `Gateway.add_transport` when it opens. When the browser was
admitted (`admission`) and has said hello, it calls `Gateway.add_viewer`, then makes itself writable
and calls `Viewer.flush`. It hands each message that arrives to `Viewer.handle`, in order. When it
has ended, from whichever side, it calls `Gateway.remove_viewer` and `Gateway.remove_transport`.

**Back-pressure.** `is_writable` is true while the next message would leave this process at once.
The viewer sends only then, and chooses each message at that moment: an answer to a ping overtakes
everything else, and video that waits can still be dropped. Whenever `is_writable` turns true, the
transport calls `Viewer.flush`. A transport therefore needs no queue of its own; one that accepts
messages while its socket is full delays every message behind them. A transport whose peer takes
nothing for too long closes itself with `CloseCode.SLOW`.

**Capabilities.** `carries_video` says whether units may be sent at all.

**Closing.** Viewer, gateway and transport itself call `close`, on any path, any number of times:
the first call counts. From then on `is_writable` is false and no message reaches the viewer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from fanlight_common.protocol.binary import CloseCode
from fanlight_gateway.core.unit import Encode


@dataclass(frozen=True, slots=True)
class TransportLimits:
    """How long a transport waits for its viewer, in seconds."""

    desk_wait_s: float = 1.0
    """For a desk to become known; after that it counts as never seen."""
    hello_timeout_s: float = 10.0
    """For the viewer's first message."""
    slow_timeout_s: float = 20.0
    """For a viewer that reads nothing from its WebSocket."""
    http_hold_s: float = 20.0
    """A request on plain HTTP is held so long while there is nothing to tell. A setting."""
    http_timeout_s: float = 10.0
    """For the next request of a viewer on plain HTTP."""


class Transport(Protocol):
    """One viewer's connection. Lives on the worker's loop; none of its methods waits."""

    name: str
    """For the log: `websocket`, `http`."""
    carries_video: bool
    """May units be sent? Where not, the viewer gets screenshots, whatever it asks for."""

    @property
    def is_writable(self) -> bool:
        """Does a message that is sent now leave this process at once?

        Read for each unit and viewer, 30,000 times a second: best a plain attribute.
        """

    @property
    def encode_unit(self) -> Encode:
        """Turns a unit's message into what `send_unit` takes.

        One function for all transports of a kind, because all their viewers share its result.
        """

    @property
    def send_unit(self) -> Callable[[bytes], None]:
        """Send a unit, as `encode_unit` made it. Only while `is_writable`, and if
        `carries_video`."""

    def send(self, message: bytes | str, /) -> None:
        """Send any other message: bytes are binary messages, a str is control. See
        `is_writable`."""

    def close(self, code: CloseCode, reason: str, /) -> None:
        """End the connection, and tell the viewer why. Only the first call has an effect."""
