"""Which rows of a picture are converted anew.

Pure; owns and drops nothing. They are bands of rows rather than rectangles, because a band lies in
memory in one piece. To convert a band takes time in proportion to its area.
"""

from collections.abc import Iterable

from fanlight_common.core.geometry import Rect

_WORTH = 0.8
"""If a larger share of the rows has changed, to convert the whole picture takes no longer."""


def bands(damage: Iterable[Rect], height: int, step: int) -> list[tuple[int, int]] | None:
    """Return bands that cover the damage. None means the whole picture.

    A band is its first row and the row after its last. Both are multiples of `step`, or the end of
    the picture. Two bands are at least a step apart.
    """
    found: list[tuple[int, int]] = []
    covered = 0
    for top, bottom in sorted((rect.y, rect.y + rect.height) for rect in damage):
        top = top // step * step
        bottom = min(height, -(-bottom // step) * step)
        if found and top <= found[-1][1] + step:
            covered -= found[-1][1] - found[-1][0]
            top, bottom = found[-1][0], max(bottom, found.pop()[1])
        found.append((top, bottom))
        covered += bottom - top
    return found if covered <= _WORTH * height else None
