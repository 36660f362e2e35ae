"""A viewer that is no browser, and checks that it gets every unit, in order, and notes when.

It has a thread of its own, on which it reads, acknowledges, pings and decodes the H.264. The units
may never go back to an older epoch, have to begin each epoch with an IDR, and may have a gap only
before an IDR.
"""

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import av
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from fanlight_common.protocol import binary, control, input

PING_S = 0.25
MODIFIER_SHIFT = 225


@dataclass(frozen=True, slots=True)
class Arrival:
    """A unit that came at `at` (monotonic seconds).

    `age_us` is the age of its picture by the gateway's clock; -1 while that clock is not known.
    """

    at: float
    epoch: int
    sequence: int
    idr: bool
    patch: bool
    age_us: int
    size_bytes: int


class Watcher:
    """A viewer of one desk, on a socket that is open already."""

    def __init__(self, there: socket.socket, desk: str, token: str, name: str) -> None:
        self.arrivals: list[Arrival] = []
        self.wrong: list[str] = []
        """What the gateway sent and should not have."""
        self.errors: list[str] = []
        self.closed = False
        self.name = name
        self._decoder = av.CodecContext.create("h264", "r")
        self._offset_us, self._shortest_us = 0, 1 << 62
        self._open = contextlib.ExitStack()
        self._connection: ClientConnection = self._open.enter_context(
            connect(
                f"ws://fanlight.test/api/desks/{desk}/stream",
                sock=there,
                additional_headers={"Authorization": f"Bearer {token}"},
                compression=None,
                max_size=None,
                proxy=None,
            )
        )
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()
        self._thread.join(10)

    @property
    def epoch(self) -> int:
        """Return the epoch of the newest unit; 0 before the first."""
        return self.arrivals[-1].epoch if self.arrivals else 0

    def wait_units(self, more: int, limit_s: float = 30.0) -> None:
        """Wait until `more` units have come from now on."""
        wanted = len(self.arrivals) + more
        self.wait(lambda: len(self.arrivals) >= wanted, f"{more} units more", limit_s)

    def wait_epoch_after(self, epoch: int, limit_s: float = 30.0) -> Arrival:
        """Wait for a newer epoch, and return its first unit."""
        self.wait(lambda: self.epoch > epoch, f"an epoch after {epoch}", limit_s)
        return next(arrival for arrival in list(self.arrivals) if arrival.epoch > epoch)

    def wait(self, condition: Callable[[], bool], what: str, limit_s: float = 30.0) -> None:
        """Wait until `condition` is true.

        Raises AssertionError, with all that is known, after `limit_s`, or at once if this viewer
        failed.
        """
        deadline = time.monotonic() + limit_s
        while not condition():
            assert not self.errors, self
            assert time.monotonic() < deadline, f"not in {limit_s:.0f} s: {what}; {self}"
            time.sleep(0.02)

    def gaps_s(self, since: float) -> list[tuple[float, bool]]:
        """Return the seconds between units after `since`, and whether a new epoch ended each."""
        arrivals = [arrival for arrival in self.arrivals if arrival.at > since]
        pairs = itertools.pairwise(arrivals)
        return [(after.at - before.at, after.epoch > before.epoch) for before, after in pairs]

    def check(self) -> None:
        """Raise AssertionError if anything was sent that should not have been."""
        assert not self.wrong, self.wrong[:5]
        assert not self.errors, self.errors

    def send(self, message: bytes) -> None:
        """Send an input message to the gateway."""
        self._connection.send(message)

    def tap(self, usage: int, *, shifted: bool = False) -> None:
        """Press and release a key, given as USB HID usage."""
        keys = [MODIFIER_SHIFT, usage] if shifted else [usage]
        for down, order in ((True, keys), (False, keys[::-1])):
            for key in order:
                self.send(input.Key(down, key).encode())

    def type(self, text: str) -> None:
        """Type letters, digits and a few signs, key by key on an American keyboard."""
        for character in text:
            self.tap(_usage(character.lower()), shifted=character.isupper())

    def __repr__(self) -> str:
        newest = self.arrivals[-1] if self.arrivals else None
        return f"<Watcher {self.name} {len(self.arrivals)} units, newest {newest} {self.errors}>"

    def _run(self) -> None:
        try:
            self._watch()
        except ConnectionClosed as error:
            self.closed = True
            if error.rcvd is None or error.rcvd.code not in (1000, 1001):
                self.errors.append(str(error))
        except Exception as error:  # noqa: BLE001 - it concerns whoever waits, on another thread
            self.errors.append(repr(error))

    def _watch(self) -> None:
        self._connection.send(
            control.Hello(f"watcher-{self.name}", video_enabled=True, keyframes_only=False).encode()
        )
        ping_at, pings = 0.0, 0
        while True:
            now = time.monotonic()
            if now >= ping_at:
                ping_at, pings = now + PING_S, pings + 1
                self._connection.send(binary.Ping(pings, _now_us()).encode())
            with contextlib.suppress(TimeoutError):
                message = self._connection.recv(max(0.0, ping_at - now))
                if isinstance(message, bytes):
                    self._take(message)

    def _take(self, message: bytes) -> None:
        match binary.decode_from_gateway(message):
            case binary.Pong() as pong:
                trip_us = _now_us() - pong.viewer_us
                if trip_us < self._shortest_us:
                    self._shortest_us = trip_us
                    self._offset_us = pong.gateway_us - pong.viewer_us - trip_us // 2
            case binary.VideoUnit() as unit:
                known = self._shortest_us < 1 << 62
                age_us = _now_us() + self._offset_us - unit.captured_us if known else -1
                self._check(unit)
                self.arrivals.append(
                    Arrival(
                        time.monotonic(),
                        unit.epoch,
                        unit.sequence,
                        unit.idr,
                        unit.patch,
                        age_us,
                        len(unit.payload),
                    )
                )
                ack = binary.Ack(max(0, age_us) // 1000, unit.epoch, unit.sequence, unit.sequence)
                self._connection.send(ack.encode())

    def _check(self, unit: binary.VideoUnit) -> None:
        last = self.arrivals[-1] if self.arrivals else None
        if last is not None and unit.epoch < last.epoch:
            self.wrong.append(f"epoch {unit.epoch} after {last}")
        follows = (
            last is not None and last.epoch == unit.epoch and last.sequence + 1 == unit.sequence
        )
        if not follows and not unit.idr:
            self.wrong.append(f"no IDR at {unit.epoch}/{unit.sequence} after {last}")
        if not unit.patch:
            try:
                pictures = self._decoder.decode(av.Packet(bytes(unit.payload)))
            except av.FFmpegError as error:
                self.wrong.append(f"{unit.epoch}/{unit.sequence} cannot be decoded: {error}")
            else:
                if len(pictures) != 1 or pictures[0].is_corrupt:
                    self.wrong.append(f"{unit.epoch}/{unit.sequence}: {pictures}")


def _now_us() -> int:
    return time.monotonic_ns() // 1000


def _usage(character: str) -> int:
    if "a" <= character <= "z":
        return ord(character) - ord("a") + 4
    if "1" <= character <= "9":
        return ord(character) - ord("1") + 30
    return {"0": 39, "\n": 40, " ": 44, "-": 45, "=": 46, ";": 51, ",": 54, ".": 55, "/": 56}[
        character
    ]
