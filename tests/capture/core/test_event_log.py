"""The desk's events and their numbers."""

from fanlight_capture.core.event_log import EventLog
from fanlight_common.protocol.binary import PointerPosition, PointerShape
from fanlight_common.protocol.control import Clipboard


def test_events_are_numbered_and_say_only_what_is_new() -> None:
    log = EventLog()
    here, shape = PointerPosition(1, 2), PointerShape(1, 1, 0, 0, b"png")
    first = log.note(here)
    assert first is not None
    assert (first.sequence, first.binary, first.text) == (1, here.encode(), "")
    assert log.note(here) is None
    second = log.note(Clipboard("é"))
    assert second is not None
    assert (second.sequence, second.binary, second.text) == (2, b"", Clipboard("é").encode())
    log.note(shape)
    assert [(e.sequence, e.binary[:1]) for e in log.again()] == [(4, b"\4"), (5, b"\3"), (6, b"")]
    log.forget()
    assert log.again() == ()
    assert log.note(here) is not None
