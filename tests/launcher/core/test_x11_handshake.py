"""The first exchange with an X server, byte by byte, and the entries of cookie files."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanlight_launcher.core.x11_handshake import (
    encode_cookie,
    encode_request,
    find_cookie,
    reason_bytes,
)

COOKIE = bytes(range(16))
NAME = b"MIT-MAGIC-COOKIE-1"


def entry(family: int, address: bytes, number: bytes, name: bytes, cookie: bytes) -> bytes:
    texts = b"".join(struct.pack(">H", len(t)) + t for t in (address, number, name, cookie))
    return struct.pack(">H", family) + texts


def test_a_request_shows_a_cookie_or_none() -> None:
    assert encode_request(b"") == b"l\0\x0b\0\0\0\0\0\0\0\0\0"
    assert encode_request(COOKIE) == b"l\0\x0b\0\0\0\x12\0\x10\0\0\0" + NAME + b"\0\0" + COOKIE


def test_a_refusal_says_how_long_its_reason_is() -> None:
    assert reason_bytes(b"\0\x07\x0b\0\0\0\x02\0") == 7
    assert reason_bytes(b"\x01\0\x0b\0\0\0\0\0") == -1


def test_the_cookie_that_is_written_is_good_for_every_host_and_display() -> None:
    written = encode_cookie(COOKIE)
    assert written == b"\xff\xff\0\0\0\0\0\x12" + NAME + b"\0\x10" + COOKIE
    for host, number in ((b"here", b"0"), (b"there", b"77")):
        assert find_cookie(written, host, number) == COOKIE


@pytest.mark.parametrize(
    "other",
    [
        entry(256, b"there", b"7", NAME, b"x"),
        entry(256, b"here", b"8", NAME, b"x"),
        entry(256, b"here", b"7", b"XDM-AUTHORIZATION-1", b"x"),
        entry(0, b"here", b"7", NAME, b"x"),
    ],
)
def test_entries_for_others_are_passed_over(other: bytes) -> None:
    assert find_cookie(other, b"here", b"7") == b""
    ours = entry(256, b"here", b"7", NAME, COOKIE)
    assert find_cookie(other + ours, b"here", b"7") == COOKIE


@pytest.mark.parametrize("size", range(len(entry(256, b"here", b"7", NAME, COOKIE))))
def test_an_entry_that_is_cut_off_is_none(size: int) -> None:
    assert find_cookie(entry(256, b"here", b"7", NAME, COOKIE)[:size], b"here", b"7") == b""


@given(st.binary(max_size=100))
def test_any_bytes_are_survived(data: bytes) -> None:
    assert isinstance(find_cookie(data, b"here", b"7"), bytes)
