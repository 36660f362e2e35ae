"""An error about one viewer ends that viewer, and no other."""

import asyncio
import logging
from typing import Any

import pytest

from fanlight_common.protocol import control
from fanlight_common.protocol.binary import CloseCode
from fanlight_gateway import metrics
from fanlight_gateway.core.congestion import Congestion
from fanlight_gateway.core.gate import Gate
from fanlight_gateway.core.mailbox import Mailbox
from fanlight_gateway.viewers.viewer_video import ViewerVideo
from tests.gateway.clients import Site
from tests.gateway.fakes import FakeEncoder
from tests.metrics import count
from tests.screenshot.fakes import FakeCapture, until


class Fault:
    """Makes `method` raise, from `arm` on, on one object: the first on which it is called then."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, of: type, method: str) -> None:
        self.culprit: object = None
        self._is_armed = False
        original = getattr(of, method)

        def broken(this: object, *args: Any, **kwargs: Any) -> Any:
            if self._is_armed and self.culprit is None:
                self.culprit = this
            if this is self.culprit:
                raise RuntimeError("broken on purpose")
            return original(this, *args, **kwargs)

        monkeypatch.setattr(of, method, broken)

    def arm(self) -> None:
        self._is_armed = True


@pytest.mark.parametrize(
    ("of", "method"),
    [
        (Gate, "pass_on"),
        (Gate, "offer"),
        (Gate, "take"),
        (Gate, "has_room"),
        (Gate, "acked"),
        (Congestion, "tick"),
        (Mailbox, "put"),
        (Mailbox, "next"),
        (ViewerVideo, "sample"),
        (ViewerVideo, "state_changed"),
    ],
)
async def test_an_error_ends_the_viewer_it_is_about_and_is_told_once(
    site: Site,
    capture: FakeCapture,
    encoder: FakeEncoder,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    of: type,
    method: str,
) -> None:
    fault = Fault(monkeypatch, of, method)
    before = count(metrics.failed)
    async with site.viewer() as one, site.viewer(name="viewer-1") as other:
        both = (one, other)
        await until(lambda: all(viewer.units for viewer in both))
        fault.arm()
        with caplog.at_level(logging.ERROR):
            while not any(viewer.close_code for viewer in both):
                # Make the gateway do everything that it does by itself, until the error comes.
                capture.event(text=control.Clipboard("text").encode())
                encoder.lease("main/high", encoder.epoch, alive=False)
                encoder.lease("main/high", encoder.epoch + 1)
                encoder.send(idr=True)
                encoder.send()
                encoder.send(skip=1)
                await asyncio.sleep(0.02)
        gone, stays = both if one.close_code else both[::-1]
        assert gone.close_code == CloseCode.FAILED
        await stays.ping()
        encoder.send(idr=True)
        await until(lambda: stays.units[-1].sequence == encoder.sequence)
        assert stays.close_code is None
    told = [record for record in caplog.records if record.exc_info]
    assert [record.getMessage().split()[0] for record in told] == ["event=viewer_failed"]
    assert "broken on purpose" in str(told[0].exc_info[1] if told[0].exc_info else "")
    assert count(metrics.failed) == before + 1


async def test_an_error_before_there_is_a_viewer_has_a_code_too(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = Fault(monkeypatch, ViewerVideo, "want")
    fault.arm()
    before = count(metrics.failed)
    async with site.socket() as socket:
        await socket.recv()
        await socket.send(control.Hello("viewer-0", True, False).encode())
        await socket.wait_closed()
        assert socket.close_code == CloseCode.FAILED
    assert count(metrics.failed) == before + 1
    async with site.viewer() as viewer:
        await viewer.ping()
