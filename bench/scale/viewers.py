"""Viewers that are no browsers: each acknowledges what it gets as a browser does, and counts.

All of them live on one event loop, that of the bench. They decode nothing.
"""

import asyncio
import contextlib
import ssl
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from fanlight_common.process import clock
from fanlight_common.protocol import binary, control

PING_S = 0.25
FIRST_LIMIT_S = 60.0


Stream = tuple[str, int]
"""A stream's rendition and epoch."""


@dataclass
class Seen:
    """What one viewer got within a window of time."""

    units: dict[Stream, list[int]] = field(default_factory=dict)
    """The sequences of its units, by stream."""
    now: Stream | None = None
    """The stream of the newest unit."""
    bytes: int = 0
    ages_ms: list[float] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)


class Viewer:
    """One viewer of one desk."""

    def __init__(self, url: str, token: str, desk: str, name: str) -> None:
        self.desk = desk
        self.seen = Seen()
        self.rendition = ""
        self.closed: int | None = None
        self._url, self._token, self._name = url, token, name
        self._base_rtt_ms = 0.0
        self._ahead_us: float | None = None
        """How far the gateway's clock (the captures' is the same) is ahead of this process's."""
        self._first = asyncio.Event()
        self._task = asyncio.create_task(self._live())

    async def first_unit(self) -> None:
        """Wait until the first unit is there. Raises TimeoutError or ConnectionError."""
        waiting = asyncio.create_task(self._first.wait())
        await asyncio.wait(
            {waiting, self._task}, timeout=FIRST_LIMIT_S, return_when=asyncio.FIRST_COMPLETED
        )
        if not self._first.is_set():
            waiting.cancel()
            raise ConnectionError(f"{self._name} of {self.desk}: no unit (closed: {self.closed})")

    async def leave(self) -> None:
        """Close the connection."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _live(self) -> None:
        async with connect(
            f"{self._url}/api/desks/{self.desk}/stream",
            additional_headers={"Authorization": f"Bearer {self._token}"},
            compression=None,
            max_size=None,
            proxy=None,
            ssl=None if self._url.startswith("ws:") else ssl.create_default_context(),
            open_timeout=FIRST_LIMIT_S,
            ping_interval=None,
        ) as socket:
            await socket.send(control.Hello(self._name, True, False).encode())
            pings = asyncio.create_task(self._ping(socket))
            try:
                while True:
                    await self._take(socket, await socket.recv())
            except ConnectionClosed:
                self.closed = socket.close_code
            finally:
                pings.cancel()

    async def _ping(self, socket: ClientConnection) -> None:
        number = 0
        with contextlib.suppress(ConnectionClosed):
            while True:
                number += 1
                ping = binary.Ping(number, clock.now_us(), round(self._base_rtt_ms))
                await socket.send(ping.encode())
                await asyncio.sleep(PING_S)

    async def _take(self, socket: ClientConnection, data: str | bytes) -> None:
        if isinstance(data, str):
            message = control.decode_from_gateway(data)
            if isinstance(message, control.VideoState):
                self.rendition = message.rendition
                self.seen.states[f"{message.state} {message.rendition}"] += 1
            return
        unit = binary.decode_from_gateway(data)
        if isinstance(unit, binary.Pong):
            now_us = clock.now_us()
            rtt_ms = max(1.0, (now_us - unit.viewer_us) / 1000)
            if self._ahead_us is None or rtt_ms <= self._base_rtt_ms:
                self._base_rtt_ms = rtt_ms
                self._ahead_us = unit.gateway_us - (now_us + unit.viewer_us) / 2
        if not isinstance(unit, binary.VideoUnit):
            return
        seen, age_ms = self.seen, binary.Ack.AGE_UNKNOWN_MS
        seen.now = (self.rendition, unit.epoch)
        seen.units.setdefault(seen.now, []).append(unit.sequence)
        seen.bytes += len(data)
        if self._ahead_us is not None:
            exact_ms = max(0.0, (clock.now_us() + self._ahead_us - unit.captured_us) / 1000)
            seen.ages_ms.append(exact_ms)
            age_ms = min(round(exact_ms), age_ms - 1)
        self._first.set()
        ack = binary.Ack(age_ms, unit.epoch, unit.sequence, unit.sequence)
        await socket.send(ack.encode())


Desks = dict[str, list[Seen]]
Ends = dict[str, list[dict[Stream, int]]]
"""The last sequence of each stream that each viewer should have had, by desk."""


def ends(desks: Desks) -> Ends:
    """Return what was published until now, for each viewer.

    Sequences have no gaps, so the newest that anybody saw is the last one that was published; the
    encoders' own counters, `units_published`, say whether that is so. It is due to the viewers that
    watch that stream now. If a viewer has left a stream, for a smaller rendition or another
    encoder, then what it had is what was due.
    """
    found: Ends = {}
    for desk, viewers in desks.items():
        newest: Counter[Stream] = Counter()
        for seen in viewers:
            for stream, sequences in seen.units.items():
                newest[stream] = max(newest[stream], sequences[-1])
        found[desk] = [
            {s: newest[s] if s == seen.now else units[-1] for s, units in seen.units.items()}
            for seen in viewers
        ]
    return found


def delivered(desks: Desks, until: Ends) -> dict[str, int]:
    """Return how many units came and were due, from each viewer's own first one on."""
    due = came = gaps = 0
    for desk, viewers in desks.items():
        for seen, lasts in zip(viewers, until[desk], strict=True):
            for stream, last in lasts.items():
                sequences = [sequence for sequence in seen.units[stream] if sequence <= last]
                due += last - sequences[0] + 1
                came += len(sequences)
                gaps += sum(b != a + 1 for a, b in pairwise(sequences))
    return {"units_due": due, "units_delivered": came, "gaps": gaps}
