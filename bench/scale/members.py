"""The processes of the simulated world: what each says of itself in a heartbeat, and what it has.

They decide nothing, and no time passes here: `world.World` starts them, ends them, cuts them off,
and hands them what the directory publishes.
"""

from collections import Counter
from dataclasses import dataclass, field

from fanlight_common.protocol import bus


@dataclass
class Process:
    """A process with a heartbeat. If it `runs` and is `connected`, its messages arrive."""

    id: str
    host: str
    instance: int = 0
    runs: bool = True
    connected: bool = True
    reached_at: float = 0.0
    """The virtual time from which on the present directory gets its messages."""
    well_since: float = 0.0

    @property
    def is_online(self) -> bool:
        """Return whether its messages arrive."""
        return self.runs and self.connected

    def beat(self) -> bus.Heartbeat:
        """Return its heartbeat."""
        raise NotImplementedError


@dataclass
class Desk(Process):
    """A capture with one desk."""

    _said: bus.Heartbeat | None = None

    def beat(self) -> bus.Heartbeat:
        """Return the same heartbeat each time, because nothing of it changes while it lives."""
        if self._said is None or self._said.instance != str(self.instance):
            offer = (bus.DeskOffer(self.id.removeprefix("capture-"), 1920, 1080),)
            self._said = _beat("capture", self, desks=offer)
        return self._said


@dataclass
class Encoder(Process):
    """Encodes the streams that somebody wants and that the newest record gives to it."""

    capacity: int = 16
    load: float = 0.0
    gateways: dict[str, set[str]] = field(default_factory=dict)
    """The gateways that are connected and subscribed to a stream's units, by stream."""
    held: dict[str, int] = field(default_factory=dict)

    def beat(self) -> bus.Heartbeat:
        """Return a heartbeat, whose load is another each time."""
        streams = tuple(bus.HeldStream(stream, epoch) for stream, epoch in self.held.items())
        self.load = (self.load + 0.01) % 1.0
        return _beat("encoder", self, capacity=self.capacity, load=self.load, streams=streams)


@dataclass
class Gateway(Process):
    """A gateway, with the number of its viewers by stream and the leases that it knows."""

    viewers: Counter[str] = field(default_factory=Counter)
    leases: dict[str, bus.LeaseRecord] = field(default_factory=dict)

    def beat(self) -> bus.Heartbeat:
        """Return the same heartbeat each time."""
        return _beat("gateway", self)


def _beat(kind: str, process: Process, **more: object) -> bus.Heartbeat:
    plain = {"http": "", "desks": (), "capacity": 0, "load": 0.0, "streams": (), **more}
    # The address is as long as it would be over a network.
    where = f"tcp://{process.host}:40001#{'0' * 64}"
    return bus.Heartbeat(
        kind, process.id, str(process.instance), process.host, where, where, **plain  # type: ignore[arg-type]
    )  # fmt: skip
