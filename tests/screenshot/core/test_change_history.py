"""What changed since a frame, and where a desk is at rest."""

import dataclasses

from fanlight_common.core.geometry import Rect, Size
from fanlight_common.protocol.frames import Frame
from fanlight_screenshot.core.change_history import KEEP, ChangeHistory

SIZE = Size(200, 100)  # 4 x 2 tiles
FIRST = Frame(200, 100, 800, 7, 1, 0, 0, (), None, None)


def frame(sequence: int, *damage: tuple[Rect, ...]) -> Frame:
    return dataclasses.replace(FIRST, sequence=sequence, damage=damage)


def rect(x: int, y: int = 0) -> Rect:
    return Rect(x, y, 10, 10)


def test_all_that_may_differ_between_two_frames() -> None:
    history = ChangeHistory()
    history.note(FIRST, 10)
    history.note(frame(2, (rect(1),)), 20)
    # The third frame was missed, but the fourth tells of it.
    history.note(frame(4, (rect(3),), (rect(2),)), 30)
    newest = frame(4)
    assert history.since(newest, 4) == ()
    assert history.since(newest, 1) == (rect(3), rect(2), rect(1))
    assert history.since(frame(2), 1) == (rect(1),)
    assert history.since(newest, 0) is None
    history.note(frame(9, (rect(5),)), 40)  # More was missed than this frame tells of.
    assert history.since(frame(9), 4) is None
    for sequence in range(10, 10 + 2 * KEEP):
        history.note(frame(sequence, (rect(1),)), 50)
    last = 9 + 2 * KEEP
    assert history.since(frame(last), last - KEEP) is not None
    assert history.since(frame(last), last - KEEP - 1) is None


def test_tiles_are_at_rest_that_have_not_changed() -> None:
    history = ChangeHistory()
    assert history.at_rest(SIZE, 99) == bytes(8)
    assert history.at_rest_from_s([1, 2]) is None
    history.note(FIRST, 10)
    history.note(frame(2, (Rect(60, 70, 10, 10), Rect(0, 0, 0, 5))), 20)
    history.note(frame(1), 30)  # This frame is older.
    assert history.at_rest(SIZE, 9) == bytes(8)
    assert history.at_rest(SIZE, 10) == bytes([1, 1, 1, 1, 0, 0, 1, 1])
    assert history.at_rest(SIZE, 20) == bytes([1] * 8)
    assert history.at_rest_from_s([5]) == 20
    assert history.at_rest_from_s([4, 7]) == 10
    assert history.at_rest_from_s([]) is None
    history.note(dataclasses.replace(FIRST, width=300, sequence=3), 40)
    assert history.at_rest(SIZE, 99) == bytes(8)
    assert history.at_rest(Size(300, 100), 40) == bytes([1] * 10)
