"""A viewer without a browser: it shows what `web/` would show, by PyAV, Pillow and numpy.

A unit of video replaces the whole picture, enlarged to the desk's size, or areas of it. A patch is
painted over the picture.
"""

import io
from collections.abc import Sequence

import av
import numpy as np
from PIL import Image as Pillow

from fanlight_common.core.geometry import Rect
from fanlight_common.protocol import patch
from fanlight_common.protocol.patch import Copy
from tests.encoder.pictures import Pixels, decoder, rgb


class Viewer:
    """A viewer of one stream; `shown` is RGB, of the desk's size."""

    def __init__(self, width: int, height: int, codec: str = "h264") -> None:
        self.shown: Pixels = np.zeros((height, width, 3), np.uint8)
        self._size = width, height
        self._decoder = decoder(codec)
        self._tagged = codec == "h264"

    def video(
        self,
        payload: bytes | memoryview,
        width: int,
        height: int,
        areas: Sequence[Rect] = (),
    ) -> None:
        """Paint an access unit of this visible size in its areas; without areas, everywhere."""
        (picture,) = self._decoder.decode(av.Packet(bytes(payload)))
        visible = rgb(picture, tagged=self._tagged)[:height, :width]
        if areas:
            for x, y, across, down in areas:
                place = np.s_[y : y + down, x : x + across]
                self.shown[place] = visible[place]
        elif (width, height) == self._size:
            self.shown = visible.copy()
        else:
            self.shown = np.array(Pillow.fromarray(visible).resize(self._size))

    def patch(self, payload: bytes | memoryview) -> None:
        """Paint a patch: do its operations in order."""
        for operation in patch.decode(payload):
            x, y, width, height = operation.x, operation.y, operation.width, operation.height
            if isinstance(operation, Copy):
                from_x, from_y = operation.from_x, operation.from_y
                pixels = self.shown[from_y : from_y + height, from_x : from_x + width].copy()
            else:
                image = Pillow.open(io.BytesIO(operation.data)).convert("RGB")
                pixels = np.asarray(image.resize((width, height)))
            self.shown[y : y + height, x : x + width] = pixels
