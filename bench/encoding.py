"""What libx264's presets, threads and slices cost and give on what desks show.

    python -m bench.encoding [--seconds 2] [--only text,video] [--pictures FOLDER]

Records loads from an X server of its own, encodes each recording with each setting at a few rates,
each picture of the size that the rate allows (as the encoder does, see fanlight_encoder.options),
and prints a table: time to encode, what was sent, and how like the original it is (SSIM of luma,
and of its worst hundredth of blocks, which is where letters suffer). `--pictures` keeps a cut-out
of the last picture of each, magnified, for eyes. The settings take turns picture by picture, so
that a busy moment hits all.
"""

import argparse
import dataclasses
import json
import statistics
import subprocess
import time
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.age import loads
from bench.processes import x_server
from bench.results import DIRECTORY
from fanlight_common.names import Rendition
from fanlight_encoder.codec import LavCodec
from fanlight_encoder.convert import Converter
from fanlight_encoder.geometry import Size
from fanlight_encoder.options import CodecParams, params_for
from fanlight_encoder.settings import EncoderSettings

SIZE = Size(1920, 1080)
FPS = 30
LOADS = {"text": "wide", "typing": "type", "video": "clip", "shapes": "rects"}
PRESETS = ("ultrafast", "superfast", "veryfast", "faster")
RATES_KBPS = (1000, 3000, 8000)
CUT_OUT = (120, 120, 440, 240)
"""Left, top, right, bottom of what `--pictures` keeps."""
_BLOCK = 8

Luma = NDArray[np.uint8]


@dataclasses.dataclass(frozen=True)
class Setting:
    """One way to encode."""

    preset: Any
    threads: int

    def __str__(self) -> str:
        return f"{self.preset}, {self.threads} thread{'s' if self.threads > 1 else ''}"


def record(load: str, seconds: float) -> list[av.VideoFrame]:
    """The load as the encoder sees it: converted pictures, FPS a second."""
    with x_server(f"{SIZE.width}x{SIZE.height}") as (display, _), loads.running(load, display):
        time.sleep(3)
        grab = ["ffmpeg", "-loglevel", "error", "-f", "x11grab", "-framerate", str(FPS)]
        grab += ["-draw_mouse", "0", "-video_size", f"{SIZE.width}x{SIZE.height}", "-i", display]
        grab += ["-t", str(seconds), "-pix_fmt", "bgra", "-f", "rawvideo", "-"]
        raw = subprocess.run(grab, check=True, capture_output=True).stdout
    converter, picture_bytes = Converter(), 4 * SIZE.width * SIZE.height
    view = memoryview(raw)
    return [
        converter.convert(view[at : at + picture_bytes], SIZE, 4 * SIZE.width, SIZE)
        for at in range(0, len(raw) - picture_bytes + 1, picture_bytes)
    ]


class Trial:
    """One setting on one recording at one rate: encode picture by picture, decode and compare."""

    def __init__(self, setting: Setting, kbps: int) -> None:
        settings = EncoderSettings(preset=setting.preset, threads=setting.threads, max_fps=FPS)
        params: CodecParams = params_for(settings, SIZE, Rendition.HIGH)
        self._codec = LavCodec("libx264", params)
        self._decoder = av.CodecContext.create("h264", "r")
        self._unit_bytes = kbps * 125 // FPS
        self._kbps = kbps
        self.times_ms: list[float] = []
        self.bytes = 0
        self.ssim: list[float] = []
        self.worst: list[float] = []
        self.last: av.VideoFrame | None = None

    def encode(self, picture: av.VideoFrame) -> None:
        """The next picture."""
        first = not self.times_ms
        # A second's worth for the first, as a new viewer's budget has it.
        self._codec.aim(self._kbps, self._unit_bytes * (FPS // 4 if first else 1))
        began = time.perf_counter()
        unit = self._codec.encode(picture, idr=first)
        self.times_ms.append(1000 * (time.perf_counter() - began))
        if not first:
            self.bytes += len(unit.payload)
        for seen in self._decoder.decode(av.Packet(unit.payload)):
            self.last = seen
            if not first:
                blocks = ssim(luma(picture), luma(seen))
                self.ssim.append(float(blocks.mean()))
                self.worst.append(float(np.quantile(blocks, 0.01)))


def luma(picture: av.VideoFrame) -> Luma:
    """Its Y plane."""
    memory: Any = picture.planes[0]
    rows = np.frombuffer(memory, np.uint8).reshape(-1, picture.planes[0].line_size)
    return rows[: picture.height, : picture.width]


def ssim(one: Luma, other: Luma) -> NDArray[np.float32]:
    """Structural similarity of blocks of 8 x 8."""
    height, width = (side // _BLOCK * _BLOCK for side in one.shape)

    def blocks(plane: Luma) -> NDArray[np.float32]:
        cut = plane[:height, :width].astype(np.float32)
        shape = (height // _BLOCK, _BLOCK, width // _BLOCK, _BLOCK)
        return cut.reshape(shape).transpose(0, 2, 1, 3).reshape(-1, _BLOCK * _BLOCK)

    a, b = blocks(one), blocks(other)
    mean_a, mean_b = a.mean(1), b.mean(1)
    var_a, var_b = a.var(1), b.var(1)
    both = ((a - mean_a[:, None]) * (b - mean_b[:, None])).mean(1)
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    found: NDArray[np.float32] = ((2 * mean_a * mean_b + c1) * (2 * both + c2)) / (
        (mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2)
    )
    return found


def compare(
    name: str, pictures: list[av.VideoFrame], kbps: int, folder: Path | None
) -> list[dict[str, Any]]:
    """All settings on one recording at one rate, turn and turn about."""
    settings = [Setting(preset, threads) for preset in PRESETS for threads in (1, 2)]
    trials = {setting: Trial(setting, kbps) for setting in settings}
    for picture in pictures:
        for trial in trials.values():
            trial.encode(picture)
    rows = []
    for setting, trial in trials.items():
        times = sorted(trial.times_ms[1:])
        rows.append(
            {
                "load": name,
                "kbps": kbps,
                "preset": setting.preset,
                "threads": setting.threads,
                "median_ms": round(statistics.median(times), 2),
                "p95_ms": round(times[int(0.95 * len(times))], 2),
                "sent_kbps": round(trial.bytes * 8 * FPS / 1000 / max(1, len(times))),
                "ssim": round(statistics.mean(trial.ssim), 4),
                "worst_ssim": round(statistics.mean(trial.worst), 3),
            }
        )
        if folder is not None and trial.last is not None and setting.threads == 1:
            _keep(trial.last, folder / f"{name}-{kbps}-{setting.preset}.png")
    if folder is not None:
        _keep(pictures[-1], folder / f"{name}-original.png")
    return rows


def _keep(picture: av.VideoFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(picture.to_ndarray(format="rgb24")).crop(CUT_OUT)
    image.resize((2 * image.width, 2 * image.height), Image.Resampling.NEAREST).save(path)


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(prog="python -m bench.encoding", description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--only", default=",".join(LOADS))
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--short", action="store_true", help="one load, one rate, few pictures")
    options = parser.parse_args()
    rates = RATES_KBPS[-1:] if options.short else RATES_KBPS
    rows: list[dict[str, Any]] = []
    print("| load | kbit/s | preset | threads | median ms | 95 % ms | sent kbit/s | SSIM | worst |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name in ["text"] if options.short else options.only.split(","):
        pictures = record(LOADS[name], 0.3 if options.short else options.seconds)
        for kbps in rates:
            for row in compare(name, pictures, kbps, options.pictures):
                rows.append(row)
                print("| " + " | ".join(str(value) for value in row.values()) + " |", flush=True)
    if not options.short and options.only == ",".join(LOADS):
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (DIRECTORY / "encoding.jsonl").write_text(lines)


if __name__ == "__main__":
    main()
