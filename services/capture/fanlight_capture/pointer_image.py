"""Pointer shapes as PNG, which the browser draws. Called by every kind of source.

Runs on the caller's thread, without I/O; one shape takes about 0.2 ms. Owns and drops nothing.
"""

import io

from PIL import Image

from fanlight_common.protocol.binary import PointerShape

HIDDEN = PointerShape(0, 0, 0, 0, b"")


def pointer_shape(
    premultiplied: bytes, width: int, height: int, hotspot_x: int, hotspot_y: int
) -> PointerShape:
    """The shape in `premultiplied`: BGRA with colours multiplied by alpha, as XFIXES has them.

    A shape without a visible pixel is HIDDEN.
    """
    if not any(premultiplied[3::4]):
        return HIDDEN
    # "BGRa" is Pillow's name for the premultiplied order; reading it divides alpha out again.
    image = Image.frombytes("RGBA", (width, height), premultiplied, "raw", "BGRa")
    file = io.BytesIO()
    image.save(file, "PNG")
    return PointerShape(width, height, hotspot_x, hotspot_y, file.getvalue())
