"""Pictures to encode, and a decoder for them."""

from collections.abc import Iterable

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Pixels = NDArray[np.uint8]
COLOURS = [
    (255, 0, 0),
    (0, 255, 0),
    (0, 0, 255),
    (255, 255, 255),
    (0, 0, 0),
    (128, 128, 128),
    (58, 110, 165),
    (250, 200, 10),
]
"""Red, green, blue."""


def patches(width: int, height: int) -> Pixels:
    """Return BGRX pixels: COLOURS in vertical stripes of equal width."""
    pixels = np.zeros((height, width, 4), np.uint8)
    for number, colour in enumerate(COLOURS):
        begin, end = (width * n // len(COLOURS) for n in (number, number + 1))
        pixels[:, begin:end, :3] = colour[::-1]
    return pixels


def text(width: int, height: int, first_line: int = 0) -> Pixels:
    """Return BGRX pixels: a terminal full of small letters."""
    image = Image.new("RGB", (width, height), (16, 16, 16))
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(11)
    for line in range(height // 14):
        number = first_line + line
        draw.text(
            (6, 14 * line),
            f"{number:05d} $ make test {number * 7919 % 9973:04x}: warning: unused variable 'x' "
            * 3,
            fill=[(220, 220, 220), (90, 220, 90), (230, 120, 90)][number % 3],
            font=font,
        )
    pixels = np.zeros((height, width, 4), np.uint8)
    pixels[:, :, :3] = np.asarray(image)[:, :, ::-1]
    return pixels


def decoder(codec: str = "h264") -> VideoCodecContext:
    """Return a decoder that gives one picture for each access unit."""
    context = av.CodecContext.create(codec, "r")
    assert isinstance(context, VideoCodecContext)
    context.thread_count = 1
    context.flags |= av.codec.context.Flags.low_delay
    return context


def decode(units: Iterable[bytes | memoryview], codec: str = "h264") -> list[av.VideoFrame]:
    """Return the picture of each unit. Fails if a unit does not give one at once."""
    context, pictures = decoder(codec), []
    for unit in units:
        (picture,) = context.decode(av.Packet(bytes(unit)))
        pictures.append(picture)
    return pictures


def rgb(picture: av.VideoFrame, *, tagged: bool = True) -> Pixels:
    """Return the picture as a browser shows it, by the stream's colour tags, which VP8 lacks."""
    if tagged:
        assert picture.colorspace == Colorspace.ITU709
        assert picture.color_range == ColorRange.MPEG
    image: Pixels = picture.reformat(
        format="rgb24", src_colorspace=Colorspace.ITU709, src_color_range=ColorRange.MPEG
    ).to_ndarray()
    return image


def worst_patch_error(image: Pixels, width: int, height: int) -> int:
    """Return how far a channel is from what `patches` drew, in the middle of the worst stripe."""
    worst = 0
    for number, colour in enumerate(COLOURS):
        x = width * (2 * number + 1) // (2 * len(COLOURS))
        seen = image[height // 2, x].astype(int)
        worst = max(worst, int(np.abs(seen - np.array(colour)).max()))
    return worst
