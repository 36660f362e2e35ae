"""The messages that arrive at a process's inlet, decoded.

Lives on the worker's loop. Drops data that is not a message, and counts it (`refused`).
"""

import logging
from collections.abc import Callable
from typing import Any

import zmq
from prometheus_client import Counter

from fanlight_common.bus.receiver import Receiver
from fanlight_common.core.errors import ProtocolError
from fanlight_common.process import refusals

log = logging.getLogger(__name__)
refused = Counter("fanlight_refused_messages", "Messages that were not understood", ["where"])


async def inlet_messages(
    socket: zmq.Socket[Any], decode: Callable[[bytes], Any], handle: Callable[[Any], None]
) -> None:
    """Hand every message of an inlet to `handle`, for ever. Count data that is no message.

    Raises what `handle` raises, unless it is a ProtocolError.
    """

    def take(data: bytes) -> None:
        try:
            handle(decode(data))
        except ProtocolError as error:
            refused.labels("inlet").inc()
            refusals.note(log, "inlet", error)

    await Receiver(socket, take).run()
