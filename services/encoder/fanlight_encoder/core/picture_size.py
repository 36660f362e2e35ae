"""How large the picture is that goes out: what is visible of it, and what is coded.

Pure.
"""

from fanlight_common.core.geometry import Size as Size


def visible(desk: Size, limit: Size, divisor: int = 1) -> Size:
    """The size that is seen of a desk: its own, or the largest even one of its aspect in `limit`.

    Divided by `divisor`, and then even as well.
    """
    whole = _within(desk, limit)
    if divisor == 1:
        return whole
    return Size(*(max(2, side // divisor & ~1) for side in (whole.width, whole.height)))


def coded(seen: Size) -> Size:
    """The size that is coded. 4:2:0 wants it even: a row and a column more where it is odd."""
    return Size(seen.width + (seen.width & 1), seen.height + (seen.height & 1))


def _within(desk: Size, limit: Size) -> Size:
    if desk.width <= limit.width and desk.height <= limit.height:
        return desk
    # As integers: a float factor would lose a row where the division comes out even.
    if desk.width * limit.height >= desk.height * limit.width:
        width, height = limit.width, desk.height * limit.width // desk.width
    else:
        width, height = desk.width * limit.height // desk.height, limit.height
    return Size(max(2, width & ~1), max(2, height & ~1))
