"""Converts a desk's BGRX to the format that a codec takes: yuv420p, BT.709, limited range.

Lives on whatever thread calls, one call at a time. Owns the scaler and one buffer; drops nothing.
It reads the pixels directly from shared memory. If they end too close to its end, or if their size
is odd, it reads a copy.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import av
import numpy as np
from av.video.plane import VideoPlane
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray

from fanlight_common.core.geometry import Size

SLACK_BYTES = 64
"""libswscale reads rows in steps of its vectors, up to 64 bytes past the last pixel. A buffer that
it reads directly needs so many bytes behind the pixels."""
_FEWEST_ROWS = 16
"""Rows of the target. If it has fewer, libswscale makes the last one wrong."""
YUV420P = "yuv420p"


@dataclass(frozen=True, slots=True)
class RowBand:
    """Rows of a picture. `image` begins with row `begin`; rows `top` to `bottom` are valid."""

    image: av.VideoFrame
    begin: int
    top: int
    bottom: int


class Converter:
    """Converts pictures. Keeps the scaler's tables and one buffer from one picture to the next."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()
        self._buffer = np.empty(0, np.uint8)

    def convert_rows(
        self,
        pixels: memoryview,
        size: Size,
        stride: int,
        target: Size,
        rows: Iterable[tuple[int, int]],
        pixel_format: str = YUV420P,
    ) -> list[RowBand]:
        """Return bands of a picture (see `core.rows`), with the same pixels as `convert` makes.

        The sizes must have a `row_step`. `replace_rows` puts a band into a picture.
        """
        divisor = size.height // target.height
        converted = []
        for top, bottom in rows:
            # The scaler rounds the last row that it gets in another way, and makes it wrong if it
            # gets very few rows. So it gets some more rows than are needed.
            end = min(size.height, bottom + 2 * divisor)
            begin = max(0, min(top, end - _FEWEST_ROWS * divisor))
            image = self.convert(
                pixels[begin * stride :],
                Size(size.width, end - begin),
                stride,
                Size(target.width, (end - begin) // divisor),
                pixel_format,
            )
            converted.append(RowBand(image, begin // divisor, top // divisor, bottom // divisor))
        return converted

    def convert(
        self,
        pixels: memoryview,
        size: Size,
        stride: int,
        target: Size,
        pixel_format: str = YUV420P,
    ) -> av.VideoFrame:
        """Return a picture of `target` size (even, the desk's own or smaller) in its own memory.

        `pixels` holds size.height rows of `stride` bytes. With 64 more bytes behind them it need
        not be copied. `pixel_format` is planar, with 8 bits a sample.
        """
        source = np.ndarray(
            (size.height, size.width, 4), np.uint8, buffer=pixels, strides=(stride, 4, 1)
        )
        padded = Size(size.width + size.width % 2, size.height + size.height % 2)
        if padded != target:
            padded = size  # the picture is scaled anyhow, and the scaler takes odd sizes
        if padded != size or len(pixels) < size.height * stride + SLACK_BYTES:
            source = self._copy(source, padded)
        # AREA is the exact mean of 2 x 2 for chroma, and right for scaling down. FULL_CHR_H_INP
        # gives the same picture by another routine: 1.9 ms at 1080p instead of 2.8 ms.
        # FAST_BILINEAR takes 2.8 ms and is off by up to 97 of 255 in luma at the edges of letters.
        # POINT takes 1.9 ms and takes one chroma sample of four, so that red text gets fringes.
        return self._reformatter.reformat(
            av.VideoFrame.from_numpy_buffer(source, format="bgra"),
            target.width,
            target.height,
            format=pixel_format,
            interpolation=Interpolation.AREA | Interpolation.FULL_CHR_H_INP,
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            threads=1,  # two threads take just as long
        )

    def _copy(
        self, source: "np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]", padded: Size
    ) -> "np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]":
        """Return a copy with slack behind it, its last row and column repeated up to `padded`.

        They are repeated, because the pixels there bleed into the chroma of the last visible row
        and column. The next copy overwrites this one.
        """
        count = 4 * padded.width * padded.height
        if len(self._buffer) != count + SLACK_BYTES:
            self._buffer = np.empty(count + SLACK_BYTES, np.uint8)
        copy = self._buffer[:count].reshape(padded.height, padded.width, 4)
        height, width, _ = source.shape
        copy[:height, :width] = source
        copy[:height, width:] = source[:, -1:]
        copy[height:] = copy[height - 1]
        return copy


def row_step(size: Size, target: Size) -> int:
    """Return of how many rows of the desk a band is a multiple. 0: no bands are possible."""
    divisor = size.height // target.height
    if (divisor * target.width, divisor * target.height) != (size.width, size.height):
        return 0  # a row of the target mixes parts of rows, or the target has a row more
    return 2 * divisor


def replace_rows(picture: av.VideoFrame, band: RowBand) -> None:
    """Put a band's rows into a picture of the same width and format. Changes the picture."""
    for plane, source in zip(picture.planes, band.image.planes, strict=True):
        divisor = picture.height // plane.height  # 2 for planes that have half the rows
        top, bottom, begin = (row // divisor for row in (band.top, band.bottom, band.begin))
        _rows_of(plane)[top:bottom] = _rows_of(source)[top - begin : bottom - begin]


def _rows_of(plane: VideoPlane) -> NDArray[np.uint8]:
    memory: Any = plane  # it has Python's buffer protocol, which its type does not say
    rows = np.frombuffer(memory, np.uint8).reshape(-1, plane.line_size)
    return rows[:, : plane.width]
