"""Topics: none is the prefix of another, and each can be read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanlight_common.core.errors import ProtocolError
from fanlight_common.protocol import topics
from fanlight_common.protocol.topics import Lane

names = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,62}", fullmatch=True)


@given(names, names)
def test_no_topic_is_the_prefix_of_another_desks(one: str, other: str) -> None:
    for make in (
        topics.desk,
        topics.events,
        lambda desk: topics.lease(f"{desk}/high"),
        lambda desk: topics.unit(f"{desk}/high"),
        lambda desk: topics.ack(desk, "viewer-1"),
        lambda desk: topics.frame(desk, Lane.SHM),
        lambda desk: topics.screenshot(desk, Lane.PIXELS),
    ):
        if one != other:
            assert not make(one).startswith(make(other))
        assert topics.parse(make(one))[1] == one


def test_no_stream_is_the_prefix_of_one_with_another_codec_or_kind() -> None:
    for make in (topics.unit, topics.lease):
        streams = [make(f"main/high{rest}") for rest in ("", ".vp9", ".vp9.audio", ".vp9.video")]
        for one in streams:
            assert topics.parse(one)[1] == "main"
            assert not any(one.startswith(other) for other in streams if other is not one)


def test_parse() -> None:
    assert topics.parse(topics.service("capture", "c1")) == ("service", "capture", "c1")
    assert topics.service("capture", "c1").startswith(topics.service("capture"))
    assert topics.desk("main").startswith(topics.DESKS)
    for wrong in (b"", b"desk/main", b"\xff/", b"a" * 201 + b"/"):
        with pytest.raises(ProtocolError):
            topics.parse(wrong)
