"""Answers that build on one another: a request waits until the desk changes, then gets a patch.

Lives on the worker's loop, one object for each desk; the pool makes the patches. The requests of a
client are answered one after the other: the first gets the change, and the next waits for the
change after it. A client is not answered faster than its link carries the answers, because a
picture that would wait in a queue is better taken later. This module knows nothing of HTTP.

What one request waits for, and what it is answered, is this table. *turn* is its client's turn,
*link* is until the client's link is free, *shot* is for a frame that is fresh enough, *held* is for
the next change, *patch* is for the pool, and *done* has the answer.

    state  event               next   answer
    turn   free                link   -
    turn   late                done   unchanged
    turn   late, no view       link   -
    link   free                shot   -
    link   late                done   unchanged
    link   late, no view       shot   -
    shot   no picture          done   none
    shot   other frame         patch  -
    shot   same frame          held   -
    shot   same frame, blurry  patch  -
    shot   same frame, stale   done   unchanged
    shot   same frame, late    done   unchanged
    held   over                link   -
    patch  made                done   patch
    patch  same pixels         link   -
    patch  nothing to refine   held   -
    patch  nothing, late       done   unchanged
    patch  frame lost          link   -
    patch  frame lost again    done   none

*late*: the time is up for which the client wants to wait. *no view*: it is not known what the
client has, so that "unchanged" would tell it nothing. *blurry*: a coarse tile has been at rest for
long enough to be refined. *again*: ATTEMPTS frames were lost, so that the caller answers with a
whole picture. An error of the desk, or BusyError, ends the request in any state. A test holds that
the code does what the table says.
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
from fanlight_screenshot.core.grabs import ATTEMPTS
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
        deadline_s = arrived_at_s + parameters.wait_s
        client = self._views.client(parameters.viewer)
        known = self._views.find(if_none_match)
        async with _turn(client, deadline_s) as came:
            if if_none_match is None:
                client.view = None
            elif client.view is None:
                client.view = known
            if not came and client.view is not None:
                return self._unchanged(client.view)
            return await self._next_answer(client, parameters, deadline_s)

    async def _next_answer(
        self, client: ScreenshotClient, parameters: Parameters, deadline_s: float
    ) -> Answer | None:
        lost = 0
        while True:
            await _sleep_until(min(client.free_at_s, deadline_s))
            now_s = clock.now_s()
            if client.view is not None and client.free_at_s > now_s:
                return self._unchanged(client.view)
            shot = await self._desk.shot(now_s)
            if shot is None:
                return None
            view, due = client.view, False
            refine_at_s = self._refine_due_s(view) if view is not None else None
            if view is not None and view.shows(shot.frame):
                due = refine_at_s is not None and refine_at_s <= now_s
                if not due:
                    if shot.stale or now_s >= deadline_s:
                        return Answer(shot, view.tag)
                    until_s = deadline_s if refine_at_s is None else min(deadline_s, refine_at_s)
                    await self._desk.next_change(shot.frame, until_s)
                    continue
            try:
                answer = await self._patch(client, shot, parameters)
                if answer is not None:
                    return answer
                if due and client.view is not None:
                    # There is nothing to refine. It is not tried again before the desk changes.
                    if shot.stale or clock.now_s() >= deadline_s:
                        return Answer(shot, client.view.tag)
                    await self._desk.next_change(shot.frame, deadline_s)
            except FrameLostError:
                lost += 1
                if lost == ATTEMPTS:
                    return None

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
