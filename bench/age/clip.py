"""The load `clip`: a video of 1280 x 720 at 30 pictures a second, ffmpeg's mandelbrot zoom.

ffmpeg makes the file once, and it is kept. All pictures are decoded into the X server before the
first is shown, which takes 900 MB there. Each then costs one copy within the server, whereas a
player that decodes while it plays (ffplay) takes a third of a core from what is measured. The clip
is played to and fro, so that it has no cut.
"""

import argparse
import itertools
import subprocess
from collections.abc import Iterator
from pathlib import Path

import xcffib.xproto as x

from bench.age import pacing, xwindow
from bench.processes import ROOT

LEFT, TOP, WIDTH, HEIGHT = 560, 200, 1280, 720
RATE = 30
SECONDS = 8.0
REQUEST_BYTES = 256_000  # the X protocol's limit is 262,140 without extensions


def rendered(width: int, height: int, seconds: float) -> Path:
    """Return the clip's file, which ffmpeg makes if it is not there. Raises CalledProcessError."""
    path = ROOT / ".cache" / "bench" / f"mandelbrot-{width}x{height}-{seconds:g}s.mp4"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part.mp4")
        source = f"mandelbrot=size={width}x{height}:rate={RATE}"
        codec = ["-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "veryfast", "-crf", "20"]
        command = ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", source, "-t", str(seconds)]
        subprocess.run([*command, *codec, str(unfinished)], check=True)
        unfinished.replace(path)
    return path


def pictures(path: Path, width: int, height: int) -> Iterator[bytes]:
    """Yield the pictures of a file as BGRX."""
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-f", "rawvideo", "-pix_fmt", "bgr0", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        while picture := process.stdout.read(4 * width * height):
            yield picture


def to_and_fro(count: int) -> Iterator[int]:
    """Yield 0, 1 ... count - 1, count - 2 ... 1, again and again."""
    return itertools.cycle([*range(count), *range(count - 2, 0, -1)])


def upload(window: xwindow.Window, picture: bytes, width: int, height: int, context: int) -> int:
    """Return a new pixmap with this picture."""
    pixmap = window.pixmap(width, height)
    rows = REQUEST_BYTES // (4 * width)
    for top in range(0, height, rows):
        strip = picture[4 * width * top : 4 * width * (top + rows)]
        window.core.PutImage(
            x.ImageFormat.ZPixmap, pixmap, context, width, len(strip) // (4 * width), 0, top, 0,
            window.depth, len(strip), strip,
        )  # fmt: skip
    window.connection.flush()
    return pixmap


def main() -> None:
    """Play until the process is killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--display", required=True)
    parser.add_argument("--size", default=f"{WIDTH}x{HEIGHT}")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="length of the clip")
    arguments = parser.parse_args()
    width, height = (int(side) for side in arguments.size.split("x"))
    path = rendered(width, height, arguments.seconds)
    window = xwindow.open_window(arguments.display, LEFT, TOP, width, height)
    context = window.context(window.white_pixel)
    pixmaps = [upload(window, p, width, height, context) for p in pictures(path, width, height)]
    window.core.GetInputFocus().reply()  # the server has all of it then
    print("ready", flush=True)
    for _, index in zip(pacing.ticks(RATE), to_and_fro(len(pixmaps)), strict=False):
        window.core.CopyArea(pixmaps[index], window.id, context, 0, 0, 0, 0, width, height)
        window.connection.flush()


if __name__ == "__main__":
    main()
