"""The table of `delta_request` and `deltas` agree: one request, with a desk of the test."""

import asyncio
import contextlib
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from fanlight_common.core.errors import FrameLostError
from fanlight_common.core.geometry import Size
from fanlight_common.core.sharpness import SharpnessLedger
from fanlight_common.protocol import frames
from fanlight_screenshot.core import delta_request
from fanlight_screenshot.core.grabs import ATTEMPTS
from fanlight_screenshot.core.parameters import Parameters
from fanlight_screenshot.core.patch_limits import PatchLimits
from fanlight_screenshot.desks import deltas
from fanlight_screenshot.desks.deltas import Answer, Deltas
from fanlight_screenshot.desks.desk import Shot
from fanlight_screenshot.desks.views import view_of
from fanlight_screenshot.images.patches import Patch
from tests.tables import table

ROWS = table(delta_request.__doc__, 4)
TABLE = {(state, event): (after, answer) for state, event, after, answer in ROWS}
NOW_S = 1000.0
WAIT_S = 10.0
LATE = "late"
FRAME = frames.Frame(64, 64, 256, 7, 1, 10**9, 10**9, (), None, None)
OTHER_FRAME = replace(FRAME, sequence=2)
LEDGER = SharpnessLedger(Size(64, 64))


class Bench:
    """One request of one client. What the code under test waits for is `state`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, knows_view: bool) -> None:
        self.now_s = NOW_S
        self.blurry_since_s: float | None = None
        self.state = "turn"
        self.steps = 0
        self._moved = asyncio.Event()
        self._waiting: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        desk: Any = SimpleNamespace(
            record=SimpleNamespace(desk="main"),
            newest=FRAME,
            shot=lambda _: self._waits("shot"),
            next_change=lambda *_: self._waits("held"),
            history=SimpleNamespace(at_rest_from_s=lambda _: self.blurry_since_s),
        )
        nothing: Any = None
        self.deltas = Deltas(desk, nothing, nothing, PatchLimits(), contextlib.nullcontext)
        monkeypatch.setattr(deltas, "clock", SimpleNamespace(now_s=lambda: self.now_s))
        monkeypatch.setattr(deltas, "_sleep_until", lambda _: self._waits("link"))
        monkeypatch.setattr(self.deltas, "_make", lambda *_: self._waits("patch"))
        self.client = self.deltas._views.client("anna")
        view = view_of(FRAME, LEDGER)
        self.tag = view.tag if knows_view else None
        self.deltas._views.add(view)
        self.request: asyncio.Task[Answer | None]

    async def _waits(self, state: str) -> Any:
        self.state = state
        self._waiting = asyncio.get_running_loop().create_future()
        self._moves()
        return await self._waiting

    def _moves(self) -> None:
        self.steps += 1
        self._moved.set()

    async def ask(self, wait_s: float) -> None:
        """Begin the request, while another request of the client is being answered."""
        await self.client.turn.acquire()
        answer = self.deltas.answer(Parameters(wait_s=wait_s, viewer="anna"), self.tag, NOW_S)
        self.request = asyncio.create_task(answer)
        self.request.add_done_callback(self._is_done)
        await asyncio.sleep(0)

    def _is_done(self, _: object) -> None:
        self.state = "done"
        self._moves()

    async def step(self, result: Any = None) -> None:
        """Give the request what it waits for, and wait until it waits for the next thing."""
        self._moved.clear()
        if self.state == "turn":
            self.client.turn.release()
        elif isinstance(result, Exception):
            self._waiting.set_exception(result)
        else:
            self._waiting.set_result(result)
        await self.moved()

    async def moved(self) -> None:
        async with asyncio.timeout(10):
            await self._moved.wait()
        self._moved.clear()

    async def bring(self, state: str, event: str) -> None:
        """Bring the request into a state, from nothing."""
        await self.ask(0.02 if (state, event.partition(",")[0]) == ("turn", LATE) else WAIT_S)
        if state == "turn":
            return
        await self.step()
        if state == "link":
            return
        await self.step()
        if state == "shot":
            return
        if event.startswith("nothing"):
            self.blurry_since_s = 0.0
            await self.step(Shot(FRAME, stale=False))
        else:
            await self.step(Shot(FRAME if state == "held" else OTHER_FRAME, stale=False))
        assert self.state == state

    async def happens(self, event: str) -> None:
        """Let the event happen in the present state."""
        match self.state, event:
            case "turn", "free":
                await self.step()
            case "turn", _:
                # In real time, the turn does not come before the wait is over.
                await self.moved()
            case "link", "free":
                await self.step()
            case "link", _:
                self.now_s += WAIT_S
                self.client.not_before_s = 2 * self.now_s
                await self.step()
            case "shot", "no picture":
                await self.step(None)
            case "shot", "other frame":
                await self.step(Shot(OTHER_FRAME, stale=False))
            case "shot", "same frame":
                await self.step(Shot(FRAME, stale=False))
            case "shot", "same frame, blurry":
                self.blurry_since_s = 0.0
                await self.step(Shot(FRAME, stale=False))
            case "shot", "same frame, stale":
                await self.step(Shot(FRAME, stale=True))
            case "shot", "same frame, late":
                # The clock goes on while the request waits.
                await self.late_shot()
            case "held", "over":
                await self.step()
            case "patch", "made":
                await self.step(Patch(b"patch", LEDGER))
            case "patch", "same pixels" | "nothing to refine":
                await self.step(None)
            case "patch", "nothing, late":
                self.now_s += WAIT_S
                await self.step(None)
            case "patch", "frame lost":
                await self.step(FrameLostError("gone"))
            case "patch", "frame lost again":
                for _ in range(ATTEMPTS - 1):
                    await self.step(FrameLostError("gone"))
                    await self.step()
                    await self.step(Shot(OTHER_FRAME, stale=False))
                await self.step(FrameLostError("gone"))
            case _:
                pytest.fail(f"unknown event {event} in {self.state}")

    async def late_shot(self) -> None:
        """Let the wait for a change be over at the end of the time, with the same frame."""
        await self.step(Shot(FRAME, stale=False))
        self.now_s += WAIT_S
        await self.step()
        await self.step()
        assert self.state == "shot"
        await self.step(Shot(FRAME, stale=False))

    def answer(self) -> str:
        """Return what the request was answered, as the table says it."""
        if self.state != "done":
            return "-"
        answer = self.request.result()
        if answer is None:
            return "none"
        return "unchanged" if answer.patch is None else "patch"


@pytest.mark.parametrize(("state", "event"), TABLE)
async def test_the_code_does_what_the_table_says(
    state: str, event: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(monkeypatch, knows_view="no view" not in event)
    await bench.bring(state, event)
    assert bench.state == state
    await bench.happens(event)
    try:
        assert (bench.state, bench.answer()) == TABLE[state, event]
    finally:
        bench.request.cancel()
        await asyncio.gather(bench.request, return_exceptions=True)


def test_the_table_has_every_state_and_no_row_twice() -> None:
    assert {state for state, _ in TABLE} == {"turn", "link", "shot", "held", "patch"}
    assert {after for after, _ in TABLE.values()} == {"link", "shot", "held", "patch", "done"}
    assert len(TABLE) == len(ROWS)
