"""What carries one viewer's messages: the interface between a viewer and its connection.

A viewer (`viewer.Viewer`) knows messages; a transport knows how they travel. `websocket` and
`plain_http_transport` are the two transports. A third one, WebTransport for example, implements
this protocol, and needs a route in `http/app.py` and a server that speaks it. Viewers and gateway
do not change.

**A transport's life.** When it opens, it calls the gateway's `add_transport` (`transport_host`).
When the browser was admitted (`admission`) and has said hello, it calls `add_viewer`, then makes
itself writable and calls `Viewer.flush`. It hands each message that arrives to `Viewer.handle`, in
order. When either side has ended it, it calls the gateway's `remove_viewer` and `remove_transport`.

**Backpressure.** `is_writable` is true while the next message would leave this process at once. The
viewer sends only then, and chooses each message at that moment: an answer to a ping overtakes
everything else, and video that waits can still be dropped. Whenever `is_writable` becomes true, the
transport calls `Viewer.flush`. So a transport needs no queue of its own. A transport that accepted
messages while its socket is full would delay every message behind them. A transport closes itself
with `CloseCode.SLOW` if its peer takes nothing for too long.

**Capabilities.** `carries_video` says whether units may be sent at all.

**Closing.** The viewer, the gateway and the transport itself may call `close`, any number of times.
Only the first call counts. From then on `is_writable` is false, and the viewer gets no message.
"""

from collections.abc import Callable
from typing import Protocol

from fanlight_common.protocol.binary import CloseCode
from fanlight_gateway.core.unit import EncodeForm


class Transport(Protocol):
    """One viewer's connection. Lives on the worker's loop; none of its methods waits."""

    name: str
    """The name in the log: `websocket` or `http`."""
    carries_video: bool
    """May units be sent? If not, the viewer gets screenshots, whatever it asks for."""

    @property
    def is_writable(self) -> bool:
        """Does a message that is sent now leave this process at once?

        This is best a plain attribute, because it is read 30,000 times a second, once for each unit
        and viewer.
        """

    @property
    def encode_unit(self) -> EncodeForm:
        """The function that turns a unit's message into what `send_unit` takes.

        All transports of a kind have one function, because all their viewers share its result.
        """

    @property
    def send_unit(self) -> Callable[[bytes], None]:
        """Sends a unit, as `encode_unit` made it. Called only while `is_writable`, and only if
        `carries_video`."""

    def send(self, message: bytes | str, /) -> None:
        """Send any other message: bytes are a binary message, a str is a control message. Called
        only while `is_writable`."""

    def close(self, code: CloseCode, reason: str, /) -> None:
        """End the connection, and tell the viewer why. Only the first call has an effect."""
