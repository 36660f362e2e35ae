"""Answers that build on one another: a request waits until the desk changes, then gets a patch.

Lives on the worker's loop, one object for each desk; the pool makes the patches. The requests of a
client are answered one after the other: the first gets the change, and the next waits for the
change after it. A client is not answered faster than its link carries the answers, because a
picture that would wait in a queue is better taken later. This module knows nothing of HTTP.

`core.delta_request` decides what one request waits for, and what it is answered, by a table. This
module waits, and has the patches made.
"""

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from dataclasses import dataclass

from fanlight_common.core.errors import FrameLostError
from fanlight_common.core.geometry import Rect, Size
from fanlight_common.core.sharpness import SharpnessLedger
from fanlight_common.patching.images import Effort
from fanlight_common.patching.pixels import Pixels
from fanlight_common.process import clock
from fanlight_common.protocol import frames
from fanlight_screenshot import metrics
from fanlight_screenshot.core.delta_request import DeltaRequest, DeltaState
from fanlight_screenshot.core.parameters import Parameters
from fanlight_screenshot.core.patch_limits import PatchLimits
from fanlight_screenshot.desks import views
from fanlight_screenshot.desks.desk import ScreenshotDesk, Shot
from fanlight_screenshot.desks.views import ScreenshotClient, View, Views
from fanlight_screenshot.images import patches
from fanlight_screenshot.images.encoding_cache import EncodingCache
from fanlight_screenshot.images.patches import Means, Patch
from fanlight_screenshot.images.recent_pictures import RecentPictures


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request gets. `patch` is None if nothing has changed."""

    shot: Shot
    tag: str
    base: str = ""
    """The tag of the picture that the patch is painted onto; "" if it needs none."""
    patch: bytes | None = None


class Deltas:
    """The patches of one desk. `admit` guards the work in the pool, and may raise BusyError."""

    def __init__(
        self,
        desk: ScreenshotDesk,
        pictures: RecentPictures,
        pool: Executor,
        limits: PatchLimits,
        admit: Callable[[], contextlib.AbstractContextManager[None]],
    ) -> None:
        self._desk = desk
        self._pictures = pictures
        self._pool = pool
        self._limits = limits
        self._admit = admit
        self._views = Views()
        self._patches: EncodingCache[Patch | None] = EncodingCache()

    async def answer(
        self, parameters: Parameters, if_none_match: str | None, arrived_at_s: float
    ) -> Answer | None:
        """Return the answer, None if this desk has no picture yet. Raises BusyError."""
        request = DeltaRequest(arrived_at_s + parameters.wait_s)
        client = self._views.client(parameters.viewer)
        known = self._views.find(if_none_match)
        async with _turn(client, request.deadline_s) as came:
            if if_none_match is None:
                client.view = None
            elif client.view is None:
                client.view = known
            request.turn_over(came, has_view=client.view is not None)
            return await self._carry_out(request, client, parameters)

    async def _carry_out(
        self, request: DeltaRequest, client: ScreenshotClient, parameters: Parameters
    ) -> Answer | None:
        """Do what the request needs, state by state, until it is done. Return the answer."""
        now_s, shot, answer = clock.now_s(), None, None
        while request.state is not DeltaState.DONE:
            if request.state is DeltaState.LINK:
                shot = None
                await _sleep_until(min(client.free_at_s, request.deadline_s))
                now_s = clock.now_s()
                request.link_over(client.free_at_s <= now_s, has_view=client.view is not None)
                continue
            if request.state is DeltaState.SHOT:
                shot = await self._desk.shot(now_s)
                if shot is None:
                    request.no_picture()
                elif client.view is None or not client.view.shows(shot.frame):
                    request.other_frame()
                else:
                    request.same_frame(self._refine_due_s(client.view), shot.stale, now_s)
                continue
            assert shot is not None
            if request.state is DeltaState.HELD:
                await self._desk.next_change(shot.frame, request.held_until_s)
                request.change_over()
                continue
            try:
                answer = await self._patch(client, shot, parameters)
            except FrameLostError:
                request.frame_lost()
            else:
                request.patch_over(answer is not None, shot.stale, clock.now_s())
        if request.is_unchanged and client.view is not None:
            return Answer(shot, client.view.tag) if shot else self._unchanged(client.view)
        return answer

    async def _patch(
        self, client: ScreenshotClient, shot: Shot, parameters: Parameters
    ) -> Answer | None:
        """Return the patch to this shot, None if there is nothing to send after all.

        In both cases the client's view is of the shot's frame afterwards.
        """
        frame, view = shot.frame, client.view
        base = view if view is not None and view.leads_to(frame) else None
        means = self._means(parameters)
        # Between two frames there may be nothing to send, but something to refine a moment later.
        kind = "refine" if base is not None and base.shows(frame) else "change"
        name = f"{base.tag if base else ''}-{frame.instance:x}-{frame.sequence:x}-{kind}-{means}"
        built = await self._patches.get(name, lambda: self._make(frame, base, means))
        if built is None or not built.data:
            # There was damage, but the pixels are the same. The client has this frame already, and
            # knows it by its old tag.
            assert base is not None
            ledger = base.ledger if built is None else built.ledger
            client.view = dataclasses.replace(base, sequence=frame.sequence, ledger=ledger)
            self._views.add(client.view)
            return None
        client.view = views.view_of(frame, built.ledger)
        self._views.add(client.view)
        size = len(built.data)
        rate = parameters.rate or self._limits.rate_start
        client.answered(size, rate, self._limits.min_interval_s, clock.now_s())
        metrics.patch_bytes.observe(size)
        return Answer(shot, client.view.tag, base.tag if base else "", built.data)

    async def _make(self, frame: frames.Frame, base: View | None, means: Means) -> Patch | None:
        with self._admit():
            after = await self._pixels(frame)
            before, damage = None, None
            if base is not None:
                before = self._pictures.get(self._key(base.instance, base.sequence))
                damage = self._desk.history.since(frame, base.sequence)
            size = Size(frame.width, frame.height)
            ledger = base.ledger if base is not None else SharpnessLedger(size)
            since_s = clock.now_s() - self._limits.refine_after_s
            at_rest = self._desk.history.at_rest(size, since_s)
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(
                self._pool, _build, before, after, damage, ledger, at_rest, means
            )

    async def _pixels(self, frame: frames.Frame) -> Pixels:
        key = self._key(frame.instance, frame.sequence)
        pixels = self._pictures.get(key)
        if pixels is None:
            pixels = await self._desk.pixels(frame)
            self._pictures.add(key, pixels)
        return pixels

    def _means(self, parameters: Parameters) -> Means:
        limits = self._limits
        rate = parameters.rate or limits.rate_start
        return Means(
            parameters.quality,
            parameters.scale,
            int(rate * limits.patch_s),
            max(1, int(rate * limits.refine_s)),
            Effort.FAST if rate >= limits.fast_rate else Effort.SMALL,
        )

    def _refine_due_s(self, view: View) -> float | None:
        changed_at_s = self._desk.history.at_rest_from_s(view.ledger.unsettled())
        if changed_at_s is None:
            return None
        return changed_at_s + self._limits.refine_after_s

    def _unchanged(self, view: View) -> Answer | None:
        newest = self._desk.newest
        return Answer(Shot(newest, stale=False), view.tag) if newest is not None else None

    def _key(self, instance: int, sequence: int) -> tuple[str, int, int]:
        return (self._desk.record.desk, instance, sequence)


def _build(
    before: Pixels | None,
    after: Pixels,
    damage: tuple[Rect, ...] | None,
    ledger: SharpnessLedger,
    at_rest: bytes,
    means: Means,
) -> Patch | None:
    """Return the patch. Runs in the pool."""
    with metrics.encode_seconds.labels("patch").time():
        built = patches.build(before, after, damage, ledger, at_rest, means)
    metrics.encodes.labels("patch").inc()
    return built


@contextlib.asynccontextmanager
async def _turn(client: ScreenshotClient, deadline_s: float) -> AsyncIterator[bool]:
    """Gives True once it is this request's turn, False if the time was up before."""
    try:
        async with asyncio.timeout(max(0.001, deadline_s - clock.now_s())):
            await client.turn.acquire()
    except TimeoutError:
        yield False
        return
    try:
        yield True
    finally:
        client.turn.release()


async def _sleep_until(at_s: float) -> None:
    left_s = at_s - clock.now_s()
    if left_s > 0:
        await asyncio.sleep(left_s)
