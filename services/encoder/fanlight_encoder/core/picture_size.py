"""How large the picture is that is sent: its visible size, and its coded size.

Pure; owns and drops nothing. Sizes are in pixels.
"""

from fanlight_common.core.geometry import Size


def visible(desk: Size, limit: Size, divisor: int = 1) -> Size:
    """Return the size in which viewers see a desk.

    It is the desk's own size, or the largest even size of its aspect within `limit`. A `divisor`
    above 1 divides that size and makes it even.
    """
    whole = _within(desk, limit)
    if divisor == 1:
        return whole
    return Size(*(max(2, side // divisor & ~1) for side in (whole.width, whole.height)))


def coded(seen: Size) -> Size:
    """Return the coded size: an odd side gets a row or column more, because 4:2:0 wants it even."""
    return Size(seen.width + (seen.width & 1), seen.height + (seen.height & 1))


def _within(desk: Size, limit: Size) -> Size:
    if desk.width <= limit.width and desk.height <= limit.height:
        return desk
    # These are integers, because a float factor would lose a row if the exact result is an integer.
    if desk.width * limit.height >= desk.height * limit.width:
        width, height = limit.width, desk.height * limit.width // desk.width
    else:
        width, height = desk.width * limit.height // desk.height, limit.height
    return Size(max(2, width & ~1), max(2, height & ~1))
