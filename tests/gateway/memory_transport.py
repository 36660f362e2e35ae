"""A third transport, which no browser has. With it a viewer needs nothing of the other two."""

from fanlight_common.protocol import binary, control
from fanlight_common.protocol.binary import CloseCode


def boxed(message: bytes) -> bytes:
    """Return the form in which this transport sends units, which no other transport has."""
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
        """Keep a unit that was encoded by `boxed`."""
        assert encoded.startswith(b"box:")
        self._keep(binary.decode_from_gateway(encoded.removeprefix(b"box:")))

    def send(self, message: bytes | str) -> None:
        """Keep any other message."""
        decode = control.decode_from_gateway if isinstance(message, str) else None
        self._keep(decode(message) if decode else binary.decode_from_gateway(message))

    def close(self, code: CloseCode, reason: str) -> None:
        """End the connection. Only the first call counts."""
        if self.closed is None:
            self.closed = code, reason
        self.is_writable = False

    def _keep(self, message: object) -> None:
        assert self.is_writable, "nothing is sent while it is not writable"
        self.sent.append(message)
