"""Opens an X display: connects, asks for the extensions, and refuses a display that cannot be used.

All of it blocks, so `open_display` does it on a thread of its own; `OpenDisplay` is then used on
the worker's loop alone (`connection`). It owns the connection until it returns it, and closes it if
it raises. It drops nothing.
"""

import asyncio
import contextlib
import threading
from dataclasses import dataclass
from typing import Any

import xcffib
import xcffib.damage
import xcffib.randr
import xcffib.shm
import xcffib.xfixes
import xcffib.xkb
import xcffib.xproto
import xcffib.xtest

from fanlight_common.core.errors import ConfigurationError, SourceLostError

_xcffib: Any = xcffib  # its types do not cover what is used here
_EXTENSIONS = ("DAMAGE", "XFIXES", "XTEST", "XKEYBOARD", "RANDR")


@dataclass(frozen=True, slots=True)
class OpenDisplay:
    """A display that can be used."""

    name: str
    raw: Any
    """xcffib's connection. The next fields are its extensions."""
    damage: Any
    xfixes: Any
    xtest: Any
    xkb: Any
    shm: Any
    """None if the server has no MIT-SHM."""
    root: int
    """The root window."""
    size: tuple[int, int]
    """Width and height of the root window at that moment, pixels."""


async def open_display(name: str) -> OpenDisplay:
    """Open a display without blocking the loop, which a server that hangs would block for ever.

    The thread is a daemon, because the process must be able to end while it waits. If the caller is
    cancelled before the display is open, the display is closed again. Raises SourceLostError if
    there is no server, and ConfigurationError if the display cannot be used. An error that nobody
    has named is raised here as well, so that the caller does not wait for ever.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[OpenDisplay] = loop.create_future()

    def deliver(opened: OpenDisplay | None, error: BaseException | None) -> None:
        if future.done():
            if opened is not None:
                opened.raw.disconnect()
        elif opened is not None:
            future.set_result(opened)
        elif error is not None:
            future.set_exception(error)

    def run() -> None:
        opened, failure = None, None
        try:
            opened = _open(name)
        except BaseException as error:  # noqa: BLE001 - the caller gets it
            failure = error
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(deliver, opened, failure)

    threading.Thread(target=run, name="x11-connect", daemon=True).start()
    return await future


def _open(name: str) -> OpenDisplay:
    try:
        raw = _xcffib.connect(display=name)
        try:
            return _set_up(name, raw)
        except BaseException:
            raw.disconnect()
            raise
    except xcffib.XcffibException as error:
        raise SourceLostError(f"display {name!r}: {error}") from None


def _set_up(name: str, raw: Any) -> OpenDisplay:
    core = raw.core
    for extension in _EXTENSIONS:
        if not core.QueryExtension(len(extension), extension).reply().present:
            raise ConfigurationError(f"display {name!r} lacks the extension {extension}")
    damage, xfixes = raw(xcffib.damage.key), raw(xcffib.xfixes.key)
    xtest, xkb = raw(xcffib.xtest.key), raw(xcffib.xkb.key)
    # The first request to an extension has to say which version of it the client speaks.
    damage.QueryVersion(1, 1).reply()
    xfixes.QueryVersion(5, 0).reply()
    xtest.GetVersion(2, 2).reply()
    xkb.UseExtension(1, 0).reply()
    raw(xcffib.randr.key).QueryVersion(1, 3).reply()
    has_shm = bool(core.QueryExtension(7, "MIT-SHM").reply().present)
    setup = raw.get_setup()
    screen = setup.roots[raw.pref_screen]
    bits = {form.depth: form.bits_per_pixel for form in setup.pixmap_formats}
    little_endian = setup.image_byte_order == 0
    if bits.get(screen.root_depth) != 32 or screen.root_depth == 30 or not little_endian:
        raise ConfigurationError(f"display {name!r} has depth {screen.root_depth}; wants 24 or 32")
    geometry = core.GetGeometry(screen.root).reply()
    return OpenDisplay(
        name=name,
        raw=raw,
        damage=damage,
        xfixes=xfixes,
        xtest=xtest,
        xkb=xkb,
        shm=raw(xcffib.shm.key) if has_shm else None,
        root=screen.root,
        size=(geometry.width, geometry.height),
    )
