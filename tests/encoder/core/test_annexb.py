"""Whether decoding can begin with a unit, from its bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanlight_encoder.core.annexb import is_idr

SPS, PPS = b"\0\0\0\1\x67\x42", b"\0\0\1\x68\xce"
SEI, IDR, DELTA = b"\0\0\1\x06\x05", b"\0\0\1\x65\x88", b"\0\0\1\x41\x9a"


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        (SPS + PPS + IDR, True),
        (SPS + PPS + SEI + IDR + IDR, True),  # two slices
        (IDR, False),  # a newcomer would lack the parameters
        (SPS + IDR, False),
        (DELTA, False),
        (SEI + DELTA + SPS + PPS + IDR, False),  # it does not begin with the IDR
        (SPS + PPS, False),
        (b"", False),
        (b"\0\0\1", False),
    ],
)
def test_is_idr(unit: bytes, expected: bool) -> None:
    assert is_idr(unit) is expected


@given(st.binary(max_size=64))
def test_any_bytes_have_an_answer(unit: bytes) -> None:
    assert is_idr(unit) in (True, False)
