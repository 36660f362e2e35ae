"""Characters and their keysyms."""

from fanlight_capture.core.keysyms import keysym_of, keysyms_of


def test_keysyms() -> None:
    assert keysyms_of("aé漢😀\r\n\n\t") == [
        0x61,
        0xE9,
        0x1006F22,
        0x101F600,
        0xFF0D,
        0xFF0D,
        0xFF09,
    ]
    assert keysym_of("\x00") is None
    assert keysym_of("\x85") is None
    assert keysyms_of("a\x01b") == [0x61, 0x62]
