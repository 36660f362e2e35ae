"""The limit: what the pixels and the bytes cost by themselves, in one process without a bus.

    python -m bench.limit pictures --display :9 [--rate 60] [--seconds 8]
    python -m bench.limit screenshots --display :9 [--rate 20] [--seconds 8]
    python -m bench.limit writes [--sockets 500] [--rate 60] [--bytes 20000]
    python -m bench.limit answers [--bytes 100000]

`pictures` grabs a display (MIT-SHM), converts all of it (libswscale) and encodes it (libx264), with
the flags and options of fanlight's encoder, `--rate` times a second. `screenshots` grabs it and
makes a JPEG. Both print one line of JSON: milliseconds of a picture by the clock and of CPU.

`writes` writes the same bytes to every socket that connects, by plain transports, as messages of a
WebSocket. `answers` answers each HTTP request with the same bytes. Both print their port and run
until they are killed.
"""

import argparse
import asyncio
import io
import json
import statistics
import struct
import time
from typing import Any, cast

import av
import numpy as np
import uvloop
import xcffib
import xcffib.shm
import xcffib.xproto
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from PIL import Image

from bench.age import figures, pacing
from fanlight_common.bus.ring import FrameRing
from fanlight_common.core.geometry import Size
from fanlight_common.core.names import Rendition
from fanlight_common.protocol.binary import VideoUnit
from fanlight_encoder.codecs.base import CodecParams
from fanlight_encoder.codecs.x264 import X264
from fanlight_encoder.settings import EncoderSettings

WARM_UP_S = 1.0
_SLACK_BYTES = 64
_ALL_PLANES = 0xFFFFFFFF


class Grab:
    """A display, and the shared memory into which its server writes."""

    def __init__(self, display: str) -> None:
        self._connection: Any = xcffib.connect(display=display)  # type: ignore[no-untyped-call]  # it has none
        screen = self._connection.get_setup().roots[0]
        self._root = screen.root
        self.size = Size(screen.width_in_pixels, screen.height_in_pixels)
        self._ring = FrameRing(4 * self.size.width * self.size.height + _SLACK_BYTES, slots=1)
        self._shm = self._connection(xcffib.shm.key)
        self._segment = self._connection.generate_id()
        self._shm.Attach(self._segment, self._ring.segment, False)
        self.pixels = self._ring.pixels(0)

    def take(self) -> None:
        """Grab the present picture into `pixels`."""
        self._shm.GetImage(
            self._root, 0, 0, self.size.width, self.size.height, _ALL_PLANES,
            xcffib.xproto.ImageFormat.ZPixmap, self._segment, self._ring.offset(0),
        ).reply()  # fmt: skip


class Convert:
    """Converts whole BGRX pictures to yuv420p; a test compares it with the encoder's converter."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def picture(self, pixels: memoryview, size: Size) -> av.VideoFrame:
        """Return the converted picture. Its size is even, and 64 spare bytes follow the pixels."""
        source = np.ndarray((size.height, size.width, 4), np.uint8, buffer=pixels)
        return self._reformatter.reformat(
            av.VideoFrame.from_numpy_buffer(source, format="bgra"),
            size.width,
            size.height,
            format="yuv420p",
            interpolation=Interpolation.AREA | Interpolation.FULL_CHR_H_INP,
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            threads=1,
        )


class Encode:
    """The encoder's own codec at its highest rate, which is spread evenly over the pictures."""

    def __init__(self, size: Size, rate: float) -> None:
        params = EncoderSettings().stream_params(Rendition.HIGH)
        self._kbps = params.kbps
        self._codec = X264.open(CodecParams.for_stream(params, size))
        self._unit_bytes = int(self._kbps * 125 / rate)
        self._first = True

    def unit(self, picture: av.VideoFrame) -> bytes:
        """Return a picture's access unit."""
        self._codec.set_target(self._kbps, self._unit_bytes)
        encoded = self._codec.encode(picture, idr=self._first)
        self._first = False
        return encoded.payload


def pictures(display: str, rate: float, seconds: float) -> dict[str, Any]:
    """Grab, convert and encode for so many seconds, after one second of warming up."""
    grab, convert = Grab(display), Convert()
    encode = Encode(grab.size, rate)
    parts: list[tuple[int, int, int, int]] = []
    sizes: list[int] = []
    began, cpu = time.monotonic(), 0
    for _ in pacing.ticks(rate):
        now = time.monotonic()
        if now >= began + WARM_UP_S + seconds:
            break
        if not cpu and now >= began + WARM_UP_S:
            parts.clear()
            sizes.clear()
            cpu = time.process_time_ns()
        start = time.monotonic_ns()
        grab.take()
        grabbed = time.monotonic_ns()
        picture = convert.picture(grab.pixels, grab.size)
        converted = time.monotonic_ns()
        unit = encode.unit(picture)
        done = time.monotonic_ns()
        parts.append((done - start, grabbed - start, converted - grabbed, done - converted))
        sizes.append(len(unit))
    cpu = time.process_time_ns() - cpu
    every, grabs, converts, encodes = ([t / 1e6 for t in each] for each in zip(*parts, strict=True))
    ordered = sorted(every)
    return {
        "pictures": len(parts),
        "median_ms": statistics.median(every),
        "p95_ms": figures.percentile(ordered, 0.95),
        "grab_ms": statistics.median(grabs),
        "convert_ms": statistics.median(converts),
        "encode_ms": statistics.median(encodes),
        "cpu_ms": cpu / 1e6 / len(parts),
        "unit_bytes": statistics.median(sizes),
        "percentiles_ms": [figures.percentile(ordered, share / 100) for share in range(101)],
    }


def screenshots(display: str, rate: float, seconds: float) -> dict[str, Any]:
    """Grab and make JPEGs of quality 70 for so many seconds."""
    grab = Grab(display)
    size = (grab.size.width, grab.size.height)
    took: list[float] = []
    began = time.monotonic()
    for _ in pacing.ticks(rate):
        start = time.monotonic_ns()
        if start / 1e9 >= began + seconds:
            break
        grab.take()
        pixels: Any = grab.pixels[: 4 * size[0] * size[1]]
        image = Image.frombuffer("RGB", size, pixels, "raw", "BGRX", 0, 1)
        image.save(io.BytesIO(), "JPEG", quality=70, subsampling=2)
        took.append((time.monotonic_ns() - start) / 1e6)
    return {"pictures": len(took), "median_ms": statistics.median(took)}


class _Sink(asyncio.Protocol):
    """A connection to which the server writes; what comes from it (the handshake) is ignored."""

    def __init__(self, to: set[asyncio.Transport]) -> None:
        self._to = to
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are not subclasses of asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._to.add(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None:
            self._to.discard(self._transport)


async def writes(sockets: int, rate: float, size_bytes: int) -> None:
    """Serve for ever, and write as soon as so many sockets are there."""
    loop = asyncio.get_running_loop()
    transports: set[asyncio.Transport] = set()
    server = await loop.create_server(lambda: _Sink(transports), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    while len(transports) < sockets:  # noqa: ASYNC110 - what is waited for sets no event
        await asyncio.sleep(0.05)
    due, sequence = loop.time(), 0
    while True:
        sequence += 1
        message = framed(sequence, size_bytes)
        for transport in transports:
            transport.write(message)
        due = max(due + 1 / rate, loop.time() - 1)
        await asyncio.sleep(max(0.0, due - loop.time()))


class _Answers(asyncio.Protocol):
    """Sends one answer for each piece of data, because requests come whole and one at a time."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.write(self._answer)


async def answers(size_bytes: int) -> None:
    """Serve for ever, with the same answer to each request."""
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {size_bytes}\r\n\r\n"
    answer = head.encode() + bytes(size_bytes)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Answers(answer), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def framed(sequence: int, size_bytes: int) -> bytes:
    """Return a unit as it is on the wire: one unmasked binary message of 126 to 65535 bytes."""
    now_us = time.monotonic_ns() // 1000
    header = VideoUnit.LAYOUT.size
    unit = VideoUnit(sequence == 1, 1920, 1080, 1, sequence, now_us, bytes(size_bytes - header))
    return struct.pack(">BBH", 0x82, 126, size_bytes) + unit.encode()


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("pictures", "screenshots", "writes", "answers"))
    parser.add_argument("--display", help="of pictures and screenshots")
    parser.add_argument("--rate", type=float, default=60.0, help="a second")
    parser.add_argument("--seconds", type=float, default=8.0, help="of pictures and screenshots")
    parser.add_argument("--sockets", type=int, default=500, help="of writes")
    parser.add_argument("--bytes", type=int, default=20_000, help="of a write, or an answer")
    options = parser.parse_args()
    if options.what == "writes":
        uvloop.run(writes(options.sockets, options.rate, options.bytes))
    elif options.what == "answers":
        uvloop.run(answers(options.bytes))
    elif not options.display:
        parser.error(f"{options.what} wants --display")
    else:
        measure = {"pictures": pictures, "screenshots": screenshots}[options.what]
        print(json.dumps(measure(options.display, options.rate, options.seconds)))


if __name__ == "__main__":
    main()
