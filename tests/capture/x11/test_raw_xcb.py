"""The private names of xcffib that `raw_xcb` uses are there, and do what they did."""

import contextlib
import os
import time

import pytest
import xcffib
import xcffib.xproto

from fanlight_capture.x11 import raw_xcb
from tests.capture.conftest import TIMEOUT_S, XServer

pytestmark = pytest.mark.x11


def answer(raw: xcffib.Connection, sequence: int) -> bytes | int:
    raw.flush()
    deadline = time.monotonic() + TIMEOUT_S
    while (found := raw_xcb.poll_for_reply(raw, sequence)) is None:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    return found


def test_replies_errors_and_the_socket(xserver: XServer) -> None:
    raw = xcffib.connect(display=xserver.display)
    try:
        root = raw.get_setup().roots[0].root
        assert raw_xcb.file_descriptor(raw) == raw.get_file_descriptor()
        geometry = answer(raw, raw.core.GetGeometry(root).sequence)
        assert isinstance(geometry, bytes)
        assert len(geometry) == 32
        assert int.from_bytes(geometry[16:18], "little") == 800
        assert answer(raw, raw.core.GetGeometry(0).sequence) == 9  # BadDrawable
        sequence = raw.core.GetGeometry(root).sequence
        xserver.kill()
        with contextlib.suppress(xcffib.ConnectionException):
            raw.flush()
        assert raw_xcb.poll_for_reply(raw, sequence) == 0
        with pytest.raises(xcffib.ConnectionException):
            raw.get_file_descriptor()
        assert os.fstat(raw_xcb.file_descriptor(raw))
    finally:
        raw.disconnect()
