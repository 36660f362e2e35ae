"""What a feed has to know of the process that it is in: the interface of a member of the bus.

Lives on the worker's loop; owns and drops nothing. `service.worker.Worker` is such a member. Feeds
ask for this and not for a worker, because a worker opens the sockets of the bus: `service` imports
`bus`, and nothing in `bus` imports `service`.
"""

from typing import Protocol

from fanlight_common.bus.directory_client import DirectoryClient
from fanlight_common.bus.network import BusNetwork


class BusMember(Protocol):
    """One process on the bus."""

    id: str
    """Its name on the bus."""
    host: str
    """Which host it is on (`ring.host_id`): processes of one host can share memory."""
    network: BusNetwork
    """Opens and connects its sockets."""
    directory: DirectoryClient
    """Watches records for it."""
