"""How large the picture is that is sent: what is visible of it, and what is coded.

Pure. Sizes are in pixels.
"""

from fanlight_common.core.geometry import Size


def visible(desk: Size, limit: Size, divisor: int = 1) -> Size:
    """The size in which a desk is seen: its own, or the largest even one of its aspect in `limit`.

    A `divisor` above 1 divides that size, and makes it even.
    """
    whole = _within(desk, limit)
    if divisor == 1:
        return whole
    return Size(*(max(2, side // divisor & ~1) for side in (whole.width, whole.height)))


def coded(seen: Size) -> Size:
    """The size that is coded: even, as 4:2:0 wants it, by a row or column more where it is odd."""
    return Size(seen.width + (seen.width & 1), seen.height + (seen.height & 1))


def _within(desk: Size, limit: Size) -> Size:
    if desk.width <= limit.width and desk.height <= limit.height:
        return desk
    # In integers, because a float factor would lose a row where the division comes out even.
    if desk.width * limit.height >= desk.height * limit.width:
        width, height = limit.width, desk.height * limit.width // desk.width
    else:
        width, height = desk.width * limit.height // desk.height, limit.height
    return Size(max(2, width & ~1), max(2, height & ~1))
