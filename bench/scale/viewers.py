"""Viewers without a screen: each acknowledges what it gets as a browser does, and counts.

All of them live on one event loop, that of the bench.
"""

import asyncio
import contextlib
import ssl
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from fanlight_common import clock
from fanlight_common.protocol import control, public

PING_S = 0.25
FIRST_LIMIT_S = 60.0


@dataclass
class Seen:
    """What one viewer saw within a window of time."""

    units: dict[tuple[str, int], list[int]] = field(default_factory=dict)
    """Sequences, by rendition and epoch."""
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
        self._first = asyncio.Event()
        self._task = asyncio.create_task(self._live())

    async def first_unit(self) -> None:
        """Until something is shown. Raises TimeoutError, ConnectionError."""
        waiting = asyncio.create_task(self._first.wait())
        await asyncio.wait(
            {waiting, self._task}, timeout=FIRST_LIMIT_S, return_when=asyncio.FIRST_COMPLETED
        )
        if not self._first.is_set():
            waiting.cancel()
            raise ConnectionError(f"{self._name} of {self.desk}: no unit (closed: {self.closed})")

    async def leave(self) -> None:
        """Go."""
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
                ping = public.Ping(number, clock.now_us(), round(self._base_rtt_ms))
                await socket.send(ping.encode())
                await asyncio.sleep(PING_S)

    async def _take(self, socket: ClientConnection, data: str | bytes) -> None:
        if isinstance(data, str):
            message = control.decode_from_gateway(data)
            if isinstance(message, control.VideoState):
                self.rendition = message.rendition
                self.seen.states[f"{message.state} {message.rendition}"] += 1
            return
        unit = public.decode_from_gateway(data)
        if isinstance(unit, public.Pong):
            rtt_ms = max(1.0, (clock.now_us() - unit.viewer_us) / 1000)
            self._base_rtt_ms = min(self._base_rtt_ms or rtt_ms, rtt_ms)
        if not isinstance(unit, public.VideoUnit):
            return
        age_ms = max(0.0, (clock.now_us() - unit.captured_us) / 1000)
        seen = self.seen
        seen.units.setdefault((self.rendition, unit.epoch), []).append(unit.sequence)
        seen.bytes += len(data)
        seen.ages_ms.append(age_ms)
        self._first.set()
        ack = public.Ack(min(round(age_ms), 60_000), unit.epoch, unit.sequence, unit.sequence)
        await socket.send(ack.encode())


def delivered(desks: dict[str, list[Seen]]) -> dict[str, int]:
    """Units that came, and that were due: what of its stream anybody saw since its own first one.

    Sequences of one epoch have no gaps where nothing is lost, so the encoder's last is what any of
    the viewers saw last; `published` by the encoders' own counters says whether that is so.
    """
    due = came = gaps = 0
    for viewers in desks.values():
        last: Counter[tuple[str, int]] = Counter()
        for seen in viewers:
            for stream, sequences in seen.units.items():
                last[stream] = max(last[stream], *sequences)
        for seen in viewers:
            for stream, sequences in seen.units.items():
                due += last[stream] - sequences[0] + 1
                came += len(sequences)
                gaps += sum(b != a + 1 for a, b in pairwise(sequences))
    return {"units_due": due, "units_delivered": came, "gaps": gaps}
