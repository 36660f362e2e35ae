"""What kind of access unit of H.264 some bytes are (Annex B: NAL units behind start codes).

Pure; owns and drops nothing. It reads the bytes and does not ask the codec, because it matters what
a decoder will find.
"""

from collections.abc import Iterator

_START = b"\x00\x00\x01"
_SLICE, _IDR_SLICE, _SPS, _PPS = 1, 5, 7, 8


def _nal_types(unit: bytes) -> Iterator[int]:
    position = unit.find(_START)
    while 0 <= position < len(unit) - len(_START):
        yield unit[position + len(_START)] & 0x1F
        position = unit.find(_START, position + len(_START))


def is_idr(unit: bytes) -> bool:
    """Return whether decoding can begin with this unit: SPS and PPS, then an IDR picture.

    It reads only what stands before the first slice.
    """
    parameters: set[int] = set()
    for kind in _nal_types(unit):
        if kind == _IDR_SLICE:
            return parameters >= {_SPS, _PPS}
        if kind == _SLICE:
            return False
        parameters.add(kind)
    return False
