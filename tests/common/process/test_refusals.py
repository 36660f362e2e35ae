"""A message that is not understood is logged once, with both versions, and counted each time."""

import logging

import msgpack
import pytest

from fanlight_common.core.errors import NotUnderstoodError, ProtocolError
from fanlight_common.core.names import split_stream
from fanlight_common.process import refusals
from fanlight_common.protocol import bus, frames
from tests.metrics import count

log = logging.getLogger("test")
Caplog = pytest.LogCaptureFixture


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "_said", set())


def refuse(data: bytes, where: str = "inlet", peer: str = "") -> None:
    """Decode `data` as the directory does, and note the error."""
    with pytest.raises(ProtocolError) as caught:
        bus.decode_directory_inlet(data)
    refusals.note(log, where, caught.value, peer)


def test_a_later_major_version_is_said_once_with_both_versions(caplog: Caplog) -> None:
    later = msgpack.packb([bus.Heartbeat.TYPE, 2, "encoder"])
    before = count(refusals.not_understood, where="inlet")
    for _ in range(60):
        refuse(later, peer="encoder-1")
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith(
        "event=not_understood where=inlet peer=encoder-1 what='Heartbeat' version=2 known=1 "
    )
    assert count(refusals.not_understood, where="inlet") == before + 60


def test_each_peer_kind_and_version_is_said(caplog: Caplog) -> None:
    for _ in range(2):
        refuse(msgpack.packb([1, 2]), peer="a")
        refuse(msgpack.packb([1, 2]), peer="b")
        refuse(msgpack.packb([1, 3]), peer="a")
        refuse(msgpack.packb([2, 3]), peer="a")
        refuse(msgpack.packb([99, 1]), peer="a")
        refuse(msgpack.packb([2, 1, "only the id"]), peer="a")
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 6
    assert "what='type 99' version=1 known=none" in said[4]
    assert "what='Farewell' version=1 known=1 reason='Farewell: wants 2 fields" in said[5]


def test_frames_and_streams_of_a_later_release_are_said(caplog: Caplog) -> None:
    with pytest.raises(NotUnderstoodError) as caught:
        frames.decode(b"t/\x02", b"t/")
    refusals.note(log, "frames", caught.value)
    with pytest.raises(NotUnderstoodError) as caught:
        split_stream("main/high.vp9")
    refusals.note(log, "topic", caught.value)
    said = [record.getMessage() for record in caplog.records]
    assert "where=frames peer=unknown what='Frame' version=2 known=1" in said[0]
    assert "where=topic peer=unknown what='codec vp9' version=none known=none" in said[1]


def test_what_is_no_message_is_said_at_debug(caplog: Caplog) -> None:
    caplog.set_level(logging.DEBUG)
    refuse(b"rubbish")
    refuse(b"rubbish")
    assert [record.levelno for record in caplog.records] == [logging.DEBUG] * 2


def test_a_stranger_cannot_fill_the_log_or_the_memory(caplog: Caplog) -> None:
    before = count(refusals.not_understood, where="inlet")
    for version in range(2, 502):
        refuse(msgpack.packb([1, version]))
    assert count(refusals.not_understood, where="inlet") == before + 500
    assert len(caplog.records) == refusals.MOST_SAID + 1
    assert "only counted" in caplog.records[-1].getMessage()
    assert len(refusals._said) == refusals.MOST_SAID
