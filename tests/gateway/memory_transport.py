"""A third transport, which no browser has: a viewer needs nothing of the other two."""

from fanlight_common.protocol import binary, control
from fanlight_common.protocol.binary import CloseCode


def boxed(message: bytes) -> bytes:
    """The form in which this transport sends units: no other one has such a thing."""
    return b"box:" + message


class MemoryTransport:
    """Keeps everything that is sent. A test says when it is writable, and calls `Viewer.flush`."""

    name = "memory"
    carries_video = True
    encode_unit = staticmethod(boxed)

    def __init__(self) -> None:
        self.is_writable = True
        self.sent: list[object] = []
        """Messages, decoded, in the order in which they were sent; units among them."""
        self.closed: tuple[CloseCode, str] | None = None

    def send_unit(self, encoded: bytes) -> None:
        """A unit in its box."""
        assert encoded.startswith(b"box:")
        self._keep(binary.decode_from_gateway(encoded.removeprefix(b"box:")))

    def send(self, message: bytes | str) -> None:
        """Any other message."""
        decode = control.decode_from_gateway if isinstance(message, str) else None
        self._keep(decode(message) if decode else binary.decode_from_gateway(message))

    def close(self, code: CloseCode, reason: str) -> None:
        """The first call counts."""
        if self.closed is None:
            self.closed = code, reason
        self.is_writable = False

    def _keep(self, message: object) -> None:
        assert self.is_writable, "nothing is sent while it is not writable"
        self.sent.append(message)
