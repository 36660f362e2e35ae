"""Names, streams and topics."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanlight_common.core.errors import ProtocolError
from fanlight_common.core.names import Rendition, check_name, split_stream, stream_name
from fanlight_common.protocol import topics
from fanlight_common.protocol.topics import Lane

names = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,62}", fullmatch=True)


@given(names, st.sampled_from(Rendition))
def test_streams_round_trip(desk: str, rendition: Rendition) -> None:
    assert split_stream(stream_name(desk, rendition)) == (desk, rendition)


@pytest.mark.parametrize("wrong", ["", "A", "-a", "a b", "a/b", "a" * 64, "ä", "a\n"])
def test_bad_names_are_refused(wrong: str) -> None:
    with pytest.raises(ProtocolError, match="not a name"):
        check_name(wrong)
    with pytest.raises(ProtocolError):
        split_stream(f"{wrong}/high")


@pytest.mark.parametrize("wrong", ["main", "main/", "main/lower", "main/high/x", "/high"])
def test_bad_streams_are_refused(wrong: str) -> None:
    with pytest.raises(ProtocolError):
        split_stream(wrong)


@given(names, names)
def test_no_topic_is_the_prefix_of_another_desks(one: str, other: str) -> None:
    for make in (
        topics.desk,
        topics.events,
        lambda desk: topics.lease(f"{desk}/high"),
        lambda desk: topics.unit(f"{desk}/high"),
        lambda desk: topics.frame(desk, Lane.SHM),
        lambda desk: topics.still(desk, Lane.PIXELS),
    ):
        if one != other:
            assert not make(one).startswith(make(other))
        assert topics.parse(make(one))[1] == one


def test_parse() -> None:
    assert topics.parse(topics.service("capture", "c1")) == ("service", "capture", "c1")
    assert topics.service("capture", "c1").startswith(topics.service("capture"))
    assert topics.desk("main").startswith(topics.DESKS)
    for wrong in (b"", b"desk/main", b"\xff/", b"a" * 201 + b"/"):
        with pytest.raises(ProtocolError):
            topics.parse(wrong)
