"""Names and streams."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanlight_common.core.errors import NotUnderstoodError, ProtocolError
from fanlight_common.core.names import (
    CodecName,
    Rendition,
    StreamKind,
    StreamName,
    check_name,
    split_stream,
    stream_name,
)

names = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,62}", fullmatch=True)


@given(names, st.sampled_from(Rendition))
def test_streams_round_trip(desk: str, rendition: Rendition) -> None:
    name = split_stream(stream_name(desk, rendition))
    assert name == StreamName(desk, rendition, CodecName.H264, StreamKind.SCREEN)
    assert str(name) == f"{desk}/{rendition}"


@pytest.mark.parametrize("wrong", ["", "A", "-a", "a b", "a/b", "a" * 64, "ä", "a\n"])
def test_bad_names_are_refused(wrong: str) -> None:
    with pytest.raises(ProtocolError, match="not a name"):
        check_name(wrong)
    with pytest.raises(ProtocolError):
        split_stream(f"{wrong}/high")


@pytest.mark.parametrize(
    "wrong",
    [
        *("main", "main/", "main/lower", "main/high/x", "/high", "main/high.", "main/.h264"),
        *("main/high.h264.screen.x", "main/high.H264", "main/high.h264\n"),
        # A default that is written out would be a second name for one stream.
        *("main/high.h264", "main/high.h264.screen"),
    ],
)
def test_bad_streams_are_refused(wrong: str) -> None:
    with pytest.raises(ProtocolError):
        split_stream(wrong)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("main/high.vp9", "codec vp9"),
        ("main/high.opus.audio", "codec opus"),
        ("main/high.h264.video", "stream kind video"),
        ("main/tiny", "rendition tiny"),
    ],
)
def test_streams_of_a_later_release_are_not_understood(name: str, what: str) -> None:
    with pytest.raises(NotUnderstoodError) as caught:
        split_stream(name)
    assert caught.value.what == what


@given(st.text(max_size=80))
def test_any_text_is_a_stream_or_a_protocol_error(text: str) -> None:
    with contextlib.suppress(ProtocolError):
        assert str(split_stream(text)) == text
