"""The table of `desk_life` and its code agree. Nothing is connected to."""

from dataclasses import replace

import pytest

from fanlight_common.protocol import bus
from fanlight_screenshot.core import desk_life
from fanlight_screenshot.core.desk_life import DeskLife
from tests.tables import table

KNOWN = [row for row in table(desk_life.__doc__, 4) if row[0] != "unknown"]
RECORD = bus.DeskRecord("main", True, "c1", "c1-1", "h", "ipc:///out", "ipc:///in", 64, 32)
NEW_RECORD = replace(RECORD, width=80)


@pytest.mark.parametrize(("state", "event", "after", "effect"), KNOWN)
def test_the_code_does_what_the_table_says(state: str, event: str, after: str, effect: str) -> None:
    life = DeskLife(RECORD)
    if state == "failed":
        life.failed()
    said: str
    match event:
        case "request":
            said = life.requested()
        case "record":
            said = life.recorded(NEW_RECORD)
            assert life.record == NEW_RECORD
        case "same record":
            said = life.recorded(RECORD)
        case "error":
            life.failed()
            said = "close"  # The caller does that, whatever comes of it.
        case _:
            pytest.fail(f"unknown event {event}")
    assert ("open" if life.is_open else "failed", said) == (after, effect)
