"""Which rows of a picture are converted anew.

Pure. Rows rather than boxes: a band of them lies in one piece, and converting costs what it covers.
"""

from collections.abc import Iterable

from fanlight_common.core.geometry import Rect

_WORTH = 0.8
"""With more rows than this share the whole picture is no dearer."""


def bands(damage: Iterable[Rect], height: int, step: int) -> list[tuple[int, int]] | None:
    """Rows from, to (not included), that cover the damage; None: all of them.

    Multiples of `step` but for the picture's end, apart from each other by at least one step.
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
