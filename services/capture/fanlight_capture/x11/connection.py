"""One connection to an X server that the event loop never waits for.

Lives on the worker's loop (but for `connect`, which blocks and has a thread of its own). Owns the
socket, the pending replies and the moment of loss. Requests are sent in a `with batch()` and
flushed at its end; replies come as futures of raw bytes, because xcffib's own parsing makes a
Python object of every byte of a large reply. Drops X errors that nobody waits for (a window that
went away before we asked about it): they are counted.
"""

import asyncio
import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Any

import xcffib
import xcffib.damage
import xcffib.randr
import xcffib.shm
import xcffib.xfixes
import xcffib.xkb
import xcffib.xproto
import xcffib.xtest

from fanlight_capture import metrics
from fanlight_common.core.errors import ConfigurationError, FanlightError, SourceLostError
from fanlight_common.process import clock

log = logging.getLogger(__name__)

_xcffib: Any = xcffib  # Typed in part only, and not where we need it.
ANSWER_TIMEOUT_S = 10.0
"""A display that answers nothing for so long counts as gone."""
_EXTENSIONS = ("DAMAGE", "XFIXES", "XTEST", "XKEYBOARD", "RANDR")


class XRequestError(FanlightError):
    """The X server refused a request that has a reply. The text is the error's number."""


class _Batch:
    """See `X11Connection.batch`. No generator: that cost more than the requests."""

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
    """Open it with `connect`, then `start` it on the loop."""

    def __init__(self, display: str) -> None:
        """Blocks. Raises SourceLostError without a server, ConfigurationError for a poor one."""
        self.display = display
        try:
            self.raw: Any = _xcffib.connect(display=display)
            try:
                self._set_up()
            except (xcffib.XcffibException, ConfigurationError):
                self.raw.disconnect()
                raise
        except xcffib.XcffibException as error:
            raise SourceLostError(f"display {display!r}: {error}") from None
        self._pending: deque[tuple[int, asyncio.Future[bytes], float]] = deque()
        self._handlers: dict[type, Callable[[Any], None]] = {}
        self._lost: SourceLostError | None = None
        self._on_lost: Callable[[SourceLostError], None] = lambda _: None
        self._timeout_s = 0.0
        self._watchdog: asyncio.TimerHandle | None = None
        self._pump_scheduled = False
        self._started = False
        self._batch = _Batch(self)

    def _set_up(self) -> None:
        core = self.raw.core
        for name in _EXTENSIONS:
            if not core.QueryExtension(len(name), name).reply().present:
                raise ConfigurationError(f"display {self.display!r} lacks the extension {name}")
        self.damage: Any = self.raw(xcffib.damage.key)
        self.xfixes: Any = self.raw(xcffib.xfixes.key)
        self.xtest: Any = self.raw(xcffib.xtest.key)
        self.xkb: Any = self.raw(xcffib.xkb.key)
        self.randr: Any = self.raw(xcffib.randr.key)
        # Each has to be told our version before it is used.
        self.damage.QueryVersion(1, 1).reply()
        self.xfixes.QueryVersion(5, 0).reply()
        self.xtest.GetVersion(2, 2).reply()
        self.xkb.UseExtension(1, 0).reply()
        self.randr.QueryVersion(1, 3).reply()
        self.has_shm = bool(core.QueryExtension(7, "MIT-SHM").reply().present)
        self.shm: Any = self.raw(xcffib.shm.key) if self.has_shm else None
        setup = self.raw.get_setup()
        screen = setup.roots[self.raw.pref_screen]
        self.root: int = screen.root
        bits = {form.depth: form.bits_per_pixel for form in setup.pixmap_formats}
        little_endian = setup.image_byte_order == 0
        if bits.get(screen.root_depth) != 32 or screen.root_depth == 30 or not little_endian:
            raise ConfigurationError(
                f"display {self.display!r} has depth {screen.root_depth}; wants 24 or 32"
            )
        geometry = core.GetGeometry(self.root).reply()
        self.size: tuple[int, int] = (geometry.width, geometry.height)

    def start(self, on_lost: Callable[[SourceLostError], None], timeout_s: float) -> None:
        """Take up work on the running loop. `on_lost` is called at most once."""
        self._on_lost = on_lost
        self._timeout_s = timeout_s
        self._started = True
        loop = asyncio.get_running_loop()
        loop.add_reader(self.raw.get_file_descriptor(), self._pump)
        # What came while it was set up lies in xcb's queue, where the loop does not see it.
        self._pump_soon()

    def on(self, event: type, handler: Callable[[Any], None]) -> None:
        """Call `handler` with each event of this class."""
        self._handlers[event] = handler

    def batch(self) -> "_Batch":
        """`with` it: requests within go out together at the end; on a lost connection, nowhere."""
        return self._batch

    def end_batch(self, error: BaseException | None) -> bool:
        """What came of the block. True: the error is the connection's, and known now."""
        try:
            if error is None:
                self.raw.flush()
        except xcffib.XcffibException as failure:
            error = failure
        known = isinstance(error, xcffib.XcffibException)
        if known:
            self._lose(str(error))
        if error is None or known:
            # Flushing may have read events into xcb's queue, where the loop does not see them.
            self._pump_soon()
        return known

    def ask(self, request: Callable[[], Any]) -> asyncio.Future[bytes]:
        """Send a request (called here, returns xcffib's cookie); a future of its raw reply.

        The future fails with XRequestError or SourceLostError. Use within `batch`.
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
        """Let go of the server."""
        if self._lost is None:
            self._lost = SourceLostError("closed")
        self._detach()
        self._fail_pending(self._lost)
        self.raw.disconnect()

    def _pump_soon(self) -> None:
        if not self._pump_scheduled and self._lost is None:
            self._pump_scheduled = True
            asyncio.get_running_loop().call_soon(self._pump)

    def _pump(self) -> None:
        self._pump_scheduled = False
        while self._lost is None:
            try:
                event = self.raw.poll_for_event()
            except xcffib.ConnectionException as error:
                self._lose(str(error))
                return
            except (xcffib.XcffibException, LookupError) as error:
                # LookupError: an event or error of an extension that xcffib does not know.
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
            answer = _poll_for_reply(self.raw, sequence)
            if answer is None:
                return
            self._pending.popleft()
            if future.done():
                continue
            if isinstance(answer, bytes):
                future.set_result(answer)
            else:
                _fail(future, answer)

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
            fd = xcffib.lib.xcb_get_file_descriptor(self.raw._conn)
            asyncio.get_running_loop().remove_reader(fd)


async def connect(display: str) -> X11Connection:
    """Connect in a thread of its own: a server that hangs would hold the loop up for ever.

    A daemon thread, because the process must be able to end while it waits.
    Raises SourceLostError, ConfigurationError.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[X11Connection] = loop.create_future()

    def deliver(connection: X11Connection | None, error: FanlightError | None) -> None:
        if future.done():
            if connection is not None:
                connection.close()
        elif connection is not None:
            future.set_result(connection)
        elif error is not None:
            future.set_exception(error)

    def run() -> None:
        connection, failure = None, None
        try:
            connection = X11Connection(display)
        except FanlightError as error:
            failure = error
        with contextlib.suppress(RuntimeError):  # The loop has ended meanwhile.
            loop.call_soon_threadsafe(deliver, connection, failure)

    threading.Thread(target=run, name="x11-connect", daemon=True).start()
    return await future


def _fail(future: asyncio.Future[bytes], error: FanlightError) -> None:
    future.set_exception(error)
    # Whoever asked may have been cancelled; then nobody is to be told of the failure.
    future.exception()


def _poll_for_reply(raw: Any, sequence: int) -> bytes | FanlightError | None:
    ffi, lib = _xcffib.ffi, _xcffib.lib
    reply_p = ffi.new("void **")
    error_p = ffi.new("xcb_generic_error_t **")
    if not lib.xcb_poll_for_reply(raw._conn, sequence, reply_p, error_p):
        return None
    if error_p[0] != ffi.NULL:
        code = error_p[0].error_code
        xcffib.c_free(error_p[0])
        return XRequestError(f"X error {code}")
    if reply_p[0] == ffi.NULL:
        return XRequestError("no reply")
    # Every reply is 32 bytes and as many words more as it says.
    words = ffi.cast("xcb_generic_reply_t *", reply_p[0]).length
    data = bytes(ffi.buffer(reply_p[0], 32 + 4 * words))
    xcffib.c_free(reply_p[0])
    return data
