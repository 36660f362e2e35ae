"""A viewer of a pattern desk that is no browser and notes every error. It has a thread of its own.

It decodes and paints every unit, and notes what may not be: a unit that does not follow the one
before it, an epoch that goes back, a picture that is not the desk's.
"""

import contextlib
import threading
import time
import traceback
from dataclasses import dataclass

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from fanlight_capture.core import pattern
from fanlight_common.protocol import binary, control
from tests.e2e.processes import wait_until
from tests.encoder.viewer import Viewer as Canvas

TAKEOVER_PICTURES = 8
"""The first picture of another encoder may be so many older: a quarter of a second."""
TOLERANCE = 40
"""How far a colour (0 to 255) may be off after lossy coding."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A unit that came at `at_s` (monotonic), and the number of the picture shown after it."""

    at_s: float
    epoch: int
    sequence: int
    idr: bool
    number: int | None


class Witness:
    """A viewer that watches `desk` through the gateway at `port` until `close`."""

    def __init__(
        self,
        port: int,
        token: str,
        desk: str = "main",
        *,
        viewer: str = "witness0",
        looks: bool = True,
    ) -> None:
        """If it `looks`, it paints the units and reads each picture's number, which takes time."""
        self.deliveries: list[Delivery] = []
        self.wrong: list[str] = []
        self.states: list[str] = []
        self.close_code: int | None = None
        self._looks = looks
        self._canvas: Canvas | None = None
        self._hello = control.Hello(viewer, video_enabled=True, keyframes_only=False)
        self._stack = contextlib.ExitStack()
        self._socket = self._stack.enter_context(
            connect(
                f"ws://127.0.0.1:{port}/api/desks/{desk}/stream",
                additional_headers={"Authorization": f"Bearer {token}"},
                compression=None,
                max_size=None,
                proxy=None,
            )
        )
        self._thread = threading.Thread(target=self._watch, args=(self._socket,), daemon=True)
        self._thread.start()

    def __enter__(self) -> "Witness":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection and end the thread."""
        self._stack.close()
        self._thread.join(10)

    def send(self, message: bytes | str) -> None:
        """Send a message to the gateway."""
        self._socket.send(message)

    @property
    def epoch(self) -> int:
        """Return the epoch of the newest unit; 0 before the first."""
        return self.deliveries[-1].epoch if self.deliveries else 0

    def wait_units(self, more: int = 1, limit_s: float = 30.0) -> None:
        """Wait until so many more units have come."""
        wanted = len(self.deliveries) + more
        wait_until(lambda: self._is_over or len(self.deliveries) >= wanted, f"{more} more", limit_s)
        assert len(self.deliveries) >= wanted, self.wrong

    def wait_epoch_after(self, epoch: int, limit_s: float = 30.0) -> Delivery:
        """Wait for a newer epoch, and return its first unit."""
        wait_until(lambda: self._is_over or self.epoch > epoch, f"after {epoch}", limit_s)
        assert self.epoch > epoch, self.wrong
        return next(d for d in self.deliveries if d.epoch > epoch)

    @property
    def _is_over(self) -> bool:
        return not self._thread.is_alive()

    def _watch(self, socket: ClientConnection) -> None:
        try:
            socket.send(self._hello.encode())
            while True:
                message = socket.recv()
                if isinstance(message, str):
                    told = control.decode_from_gateway(message)
                    if isinstance(told, control.VideoState):
                        self.states.append(told.state)
                    continue
                unit = binary.decode_from_gateway(message)
                if isinstance(unit, binary.VideoUnit):
                    self._unit(unit)
                    ack = binary.Ack(0, unit.epoch, unit.sequence, unit.sequence)
                    socket.send(ack.encode())
        except ConnectionClosed:
            self.close_code = socket.close_code
        except Exception:  # noqa: BLE001  # of a thread, which nobody else would see
            self.wrong.append(traceback.format_exc())
            with contextlib.suppress(ConnectionClosed):
                socket.close()

    def _unit(self, unit: binary.VideoUnit) -> None:
        at_s = time.monotonic()
        last = self.deliveries[-1] if self.deliveries else None
        follows = last is not None and (unit.epoch, unit.sequence) == (
            last.epoch,
            last.sequence + 1,
        )
        if not (unit.idr or follows):
            self.wrong.append(f"{unit.epoch}/{unit.sequence} after {last}")
        if last is not None and unit.epoch < last.epoch:
            self.wrong.append(f"epoch {unit.epoch} after {last.epoch}")
        number = self._paint(unit) if self._looks else None
        self.deliveries.append(Delivery(at_s, unit.epoch, unit.sequence, unit.idr, number))

    def _paint(self, unit: binary.VideoUnit) -> int:
        if self._canvas is None:
            self._canvas = Canvas(unit.width, unit.height)
        if unit.patch:
            self._canvas.patch(unit.payload)
        else:
            self._canvas.video(unit.payload, unit.width, unit.height, unit.areas)
        shown = self._canvas.shown
        height, width = shown.shape[:2]
        row = height - pattern.CELL // 2
        middles = [index * pattern.CELL + pattern.CELL // 2 for index in range(pattern.BITS)]
        cells = [bool(shown[row, x, 1] > 127) for x in middles]
        number = sum(1 << bit for bit, cell in enumerate(cells[2:]) if cell)
        if cells[:2] != [True, False]:
            self.wrong.append(f"{unit.epoch}/{unit.sequence}: no barcode")
        for index, colour in enumerate(pattern.COLOURS):
            x, y = pattern.colour_centre(index, width, height)
            if any(abs(int(a) - b) > TOLERANCE for a, b in zip(shown[y, x], colour, strict=True)):
                self.wrong.append(f"{unit.epoch}/{unit.sequence}: colour {index}: {shown[y, x]}")
        box = pattern.box(number, width, height)
        if shown[box.y + box.height // 2, box.x + box.width // 2, 1] < 180:
            self.wrong.append(f"{unit.epoch}/{unit.sequence}: no box where {number} has it")
        newest = (self.deliveries[-1].number or 0) if self.deliveries else 0
        # An encoder that takes over may have got its first frame before the last ones of the other,
        # which goes on while the first IDR is encoded.
        if number < newest - (TAKEOVER_PICTURES if unit.epoch != self.epoch else 0):
            self.wrong.append(f"{unit.epoch}/{unit.sequence}: picture {number} after {newest}")
        return number
