"""Stands in for a directory, a desk and an encoder on a real bus, and sends units of one size.

    python -m bench.performance.programs.feeder --runtime DIR [--rate 60] [--bytes 20000]

It serves to measure a gateway by itself. Units go out as soon as the gateway has subscribed to
them, with an IDR whenever one is asked for. At first they are two a second, so that viewers can
come; after a line on stdin they come at `--rate`. Unlike an encoder it follows no rate and has one
rendition, so viewers whose path the gateway takes for a slower one get few of them. It runs until
it is killed.
"""

import argparse
import asyncio
import sys
from pathlib import Path

import uvloop

from fanlight_common.core.names import Rendition, stream_name
from fanlight_common.process.settings import BusSettings
from fanlight_common.protocol import topics
from fanlight_common.protocol.binary import VideoUnit
from tests.gateway.fakes import FakeEncoder
from tests.screenshot.fakes import FakeCapture, FakeDirectory

DESK = "main"
SLOW_S = 0.5


async def feed(runtime: Path, rate: float, size_bytes: int) -> None:
    """Send units for ever."""
    directory = FakeDirectory(BusSettings(runtime_dir=runtime))
    capture = FakeCapture(directory, DESK)
    capture.announce(size=(1920, 1080))
    encoder = FakeEncoder(directory)
    # The fake encoder would answer a request by a small unit out of turn.
    encoder.automatic = False
    stream = stream_name(DESK, Rendition.HIGH)
    encoder.lease(stream, 1)
    payload = size_bytes - VideoUnit.LAYOUT.size
    topic = topics.unit(stream)
    loop = asyncio.get_running_loop()
    going = asyncio.Event()
    loop.add_reader(sys.stdin, going.set)
    print("ready", flush=True)
    due = loop.time()
    while True:
        if going.is_set():
            loop.remove_reader(sys.stdin)
        if topic in encoder.subscribed:
            idr = encoder.idr_requests > 0 or encoder.sequence == 0
            encoder.send(idr=idr, size=payload)
            # Both lists would grow, and after an hour slow the feeder down.
            encoder.told.clear()
            encoder.sent.clear()
        pause = 1 / rate if going.is_set() else SLOW_S
        due = max(due + pause, loop.time() - 0.1)
        await asyncio.sleep(max(0.0, due - loop.time()))


def main() -> None:
    """Feed as the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runtime", type=Path, required=True)
    parser.add_argument("--rate", type=float, default=60.0)
    parser.add_argument("--bytes", type=int, default=20_000)
    options = parser.parse_args()
    uvloop.run(feed(options.runtime, options.rate, options.bytes))


if __name__ == "__main__":
    main()
