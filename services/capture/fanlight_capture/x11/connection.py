"""One connection to an X server that the event loop never waits for.

Lives on the worker's loop. Owns the socket, the pending replies and the loss of the display.
Requests are sent within `with batch()` and flushed at its end; replies come as futures of raw
bytes. Drops X errors that nobody waits for (a window has gone before it was asked about), and
counts them.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Any

import xcffib

from fanlight_capture import metrics
from fanlight_capture.x11 import raw_xcb
from fanlight_capture.x11.open_display import OpenDisplay, open_display
from fanlight_common.core.errors import FanlightError, SourceLostError
from fanlight_common.process import clock

log = logging.getLogger(__name__)

ANSWER_TIMEOUT_S = 10.0
"""A display that leaves a request unanswered for this many seconds counts as gone."""


class XRequestError(FanlightError):
    """The X server refused a request that has a reply. The text is the error's number."""


class _Batch:
    """See `X11Connection.batch`.

    It is a class, because a generator as context manager took longer than the requests.
    """

    def __init__(self, connection: "X11Connection") -> None:
        self._connection = connection

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        return self._connection.end_batch(error)


class X11Connection:
    """A connection, which `connect` opens. Call `start` on the loop before the first request."""

    def __init__(self, opened: OpenDisplay) -> None:
        self.display = opened.name
        self.raw, self.damage, self.xfixes = opened.raw, opened.damage, opened.xfixes
        self.xtest, self.xkb, self.shm = opened.xtest, opened.xkb, opened.shm
        self.root, self.size = opened.root, opened.size
        # The sequence number of each request, the future of its reply, and when it was sent
        # (monotonic seconds).
        self._pending: deque[tuple[int, asyncio.Future[bytes], float]] = deque()
        self._handlers: dict[type, Callable[[Any], None]] = {}
        self._lost: SourceLostError | None = None
        self._on_lost: Callable[[SourceLostError], None] = lambda _: None
        self._timeout_s = 0.0
        self._watchdog: asyncio.TimerHandle | None = None
        self._read_scheduled = False
        self._started = False
        self._batch = _Batch(self)

    def start(self, on_lost: Callable[[SourceLostError], None], timeout_s: float) -> None:
        """Begin to work on the running loop. `on_lost` is called at most once.

        A request that has no answer after `timeout_s` seconds ends the connection.
        """
        self._on_lost = on_lost
        self._timeout_s = timeout_s
        self._started = True
        loop = asyncio.get_running_loop()
        loop.add_reader(self.raw.get_file_descriptor(), self._read)
        # Events that came during the set-up lie in xcb's queue, which the loop does not see.
        self._read_soon()

    def on(self, event: type, handler: Callable[[Any], None]) -> None:
        """Call `handler` with each event of this class. Each event class has one handler."""
        self._handlers[event] = handler

    def batch(self) -> "_Batch":
        """Return a context manager. Its end flushes all requests, unless the display is lost."""
        return self._batch

    def end_batch(self, error: BaseException | None) -> bool:
        """Flush. Returns True to suppress a connection error, because `_lose` has handled it."""
        try:
            if error is None:
                self.raw.flush()
        except xcffib.XcffibException as failure:
            error = failure
        known = isinstance(error, xcffib.XcffibException)
        if known:
            self._lose(str(error))
        if error is None or known:
            # Flushing may have read events into xcb's queue, which the loop does not see.
            self._read_soon()
        return known

    def ask(self, request: Callable[[], Any]) -> asyncio.Future[bytes]:
        """Call `request`, which returns xcffib's cookie. Returns a future of the reply's bytes.

        The future fails with XRequestError or SourceLostError. Call it within `batch`.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[bytes] = loop.create_future()
        if self._lost is None:
            try:
                sequence = request().sequence
            except xcffib.XcffibException as error:
                self._lose(str(error))
            else:
                self._pending.append((sequence, future, clock.now_s()))
                self._watch()
        if self._lost is not None and not future.done():
            _fail(future, self._lost)
        return future

    def close(self) -> None:
        """Disconnect. Pending replies fail with SourceLostError; `on_lost` is not called."""
        if self._lost is None:
            self._lost = SourceLostError("closed")
        self._detach()
        self._fail_pending(self._lost)
        self.raw.disconnect()

    def _read_soon(self) -> None:
        if not self._read_scheduled and self._lost is None:
            self._read_scheduled = True
            asyncio.get_running_loop().call_soon(self._read)

    def _read(self) -> None:
        """Call the handlers of all events that have come, then set the results of all replies."""
        self._read_scheduled = False
        while self._lost is None:
            try:
                event = self.raw.poll_for_event()
            except xcffib.ConnectionException as error:
                self._lose(str(error))
                return
            except (xcffib.XcffibException, LookupError) as error:
                # LookupError means an event or error of an extension that xcffib does not know.
                metrics.x_errors.inc()
                log.debug("event=x_error error=%r", error)
                continue
            if event is None:
                break
            handler = self._handlers.get(type(event))
            if handler is not None:
                handler(event)
        self._take_replies()

    def _take_replies(self) -> None:
        # Replies come in the order of the requests.
        while self._pending and self._lost is None:
            sequence, future, _ = self._pending[0]
            answer = raw_xcb.poll_for_reply(self.raw, sequence)
            if answer is None:
                return
            self._pending.popleft()
            if future.done():
                continue
            if isinstance(answer, bytes):
                future.set_result(answer)
            else:
                _fail(future, XRequestError(f"X error {answer}" if answer else "no reply"))

    def _watch(self) -> None:
        if self._watchdog is None and self._pending:
            wait_s = max(0.0, self._pending[0][2] + self._timeout_s - clock.now_s())
            self._watchdog = asyncio.get_running_loop().call_later(wait_s, self._look_for_hang)

    def _look_for_hang(self) -> None:
        self._watchdog = None
        self._take_replies()
        if self._pending and clock.now_s() - self._pending[0][2] >= self._timeout_s:
            self._lose(f"no answer for {self._timeout_s:g} s")
        self._watch()

    def _lose(self, reason: str) -> None:
        if self._lost is not None:
            return
        self._lost = SourceLostError(f"display {self.display!r}: {reason}")
        self._detach()
        self._fail_pending(self._lost)
        self._on_lost(self._lost)

    def _fail_pending(self, error: SourceLostError) -> None:
        while self._pending:
            _, future, _ = self._pending.popleft()
            if not future.done():
                _fail(future, error)

    def _detach(self) -> None:
        if self._watchdog is not None:
            self._watchdog.cancel()
            self._watchdog = None
        if self._started:
            self._started = False
            asyncio.get_running_loop().remove_reader(raw_xcb.file_descriptor(self.raw))


async def connect(display: str) -> X11Connection:
    """Return a connection to this display, not started yet. Raises as `open_display` does."""
    return X11Connection(await open_display(display))


def _fail(future: asyncio.Future[bytes], error: FanlightError) -> None:
    future.set_exception(error)
    # The exception is read here, so that asyncio does not log it if the task that asked has gone.
    future.exception()
