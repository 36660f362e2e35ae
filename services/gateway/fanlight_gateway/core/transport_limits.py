"""How long a viewer's transport waits. Owns no state."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TransportLimits:
    """How long a transport waits for its viewer, in seconds."""

    desk_wait_s: float = 1.0
    """A viewer waits this long for its desk to become known. After that the desk counts as never
    seen."""
    hello_timeout_s: float = 10.0
    """The first message of a viewer has to come within this time."""
    slow_timeout_s: float = 20.0
    """A viewer that reads nothing from its WebSocket for this time is closed."""
    http_long_poll_s: float = 20.0
    """A request over plain HTTP waits for this time while there is nothing to send. A setting."""
    http_timeout_s: float = 10.0
    """A viewer over plain HTTP has to send its next request within this time."""
