"""Pointer shapes as PNG, which the browser draws, for every kind of source.

Lives on the thread that calls, and does no I/O; one shape takes about 0.2 ms. Owns and drops
nothing.
"""

import io

from PIL import Image

from fanlight_common.protocol.binary import PointerShape

HIDDEN = PointerShape(0, 0, 0, 0, b"")


def pointer_shape(
    premultiplied: bytes, width: int, height: int, hotspot_x: int, hotspot_y: int
) -> PointerShape:
    """Return the shape in `premultiplied`, or HIDDEN if every pixel is transparent.

    Its pixels are BGRA, with colours multiplied by alpha, as XFIXES has them.
    """
    if not any(premultiplied[3::4]):
        return HIDDEN
    # "BGRa" is Pillow's name for premultiplied colours; it divides by alpha while it reads them.
    image = Image.frombytes("RGBA", (width, height), premultiplied, "raw", "BGRa")
    file = io.BytesIO()
    image.save(file, "PNG")
    return PointerShape(width, height, hotspot_x, hotspot_y, file.getvalue())
