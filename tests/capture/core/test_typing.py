"""Finding strokes for characters, on a virtual clock and a small keyboard."""

from fanlight_capture.core.typing import Keymap, Stroke, TypingLimits, Typist, given_row

WIDTH = 4
SHIFT = 14
ROWS = {
    10: (0x61, 0x41, 0x430, 0x410),
    11: (0x31, 0x21, 0x31, 0x21),
    12: (0x21, 0x3F, 0x21, 0x3F),
    13: (0, 0, 0, 0),
    SHIFT: (0xFFE1, 0, 0xFFE1, 0),
    15: (0, 0, 0, 0),
    16: (0, 0, 0, 0),
}


def keymap(rows: dict[int, tuple[int, ...]]) -> Keymap:
    return Keymap(10, WIDTH, tuple(sym for code in sorted(rows) for sym in rows[code]))


def typist(settle_s: float = 1.0, group: int = 0, **rows: tuple[int, ...]) -> Typist:
    made = Typist(TypingLimits(settle_s))
    changed = {int(code[1:]): row for code, row in rows.items()}
    made.read(keymap(ROWS | changed), group, {SHIFT}, rare={13})
    return made


def test_keys_of_the_layout_come_first() -> None:
    found = typist()
    assert found.stroke(0x61, 0.0) == Stroke(10)
    assert found.stroke(0x41, 0.0) == Stroke(10, shift=True)
    # Key 11 has it with Shift, and key 12 without, which is better.
    assert found.stroke(0x21, 0.0) == Stroke(12)


def test_the_group_in_effect_decides() -> None:
    found = typist(group=1)
    assert found.stroke(0x430, 0.0) == Stroke(10)
    assert found.stroke(0x410, 0.0) == Stroke(10, shift=True)
    assert found.stroke(0x61, 0.0) == Stroke(15, assign=0x61)
    # The core keymap does not have this group, so every key is borrowed.
    assert typist(group=2).stroke(0x61, 0.0) == Stroke(15, assign=0x61)


def test_spare_keys_are_kept_and_the_longest_unused_goes_first() -> None:
    found = typist()
    assert found.stroke(1001, 0.0) == Stroke(15, assign=1001)
    assert found.stroke(1002, 0.25) == Stroke(16, assign=1002)
    # 13 is a real key on other keyboards, so it is borrowed last.
    assert found.stroke(1003, 0.5) == Stroke(13, assign=1003)
    assert found.stroke(1001, 0.75) == Stroke(15)
    assert found.given() == (16, 13, 15)
    # All are in use. The one that was unused for longest is taken, once it has settled.
    assert found.stroke(1004, 1.0) == Stroke(16, assign=1004, wait_s=0.25)
    assert found.stroke(1005, 9.0) == Stroke(13, assign=1005)


def test_what_was_given_is_known_again_after_rereading() -> None:
    found = typist()
    found.stroke(1001, 0.0)
    found.stroke(1002, 0.0)
    # The first key still has our keysym, and a new layout has overwritten the second one.
    rows = ROWS | {15: (*given_row(1001), 0, 0), 16: (0x7A, 0x5A, 0, 0)}
    found.read(keymap(rows), 0, {SHIFT}, rare={13})
    assert found.stroke(1001, 0.0) == Stroke(15)
    assert found.stroke(0x7A, 0.0) == Stroke(16)
    assert found.stroke(1002, 0.0) == Stroke(13, assign=1002)


def test_without_spare_keys_there_is_nothing_to_be_done() -> None:
    full = (0x7A, 0x5A, 0, 0)
    found = typist(k13=full, k15=full, k16=full)
    assert found.stroke(1001, 0.0) is None
    assert found.stroke(0, 0.0) is None
