"""The private directory of one `fanlight up`: sockets, the demonstration desk's files.

Owns its life. Removed at the end; one that a killed launcher left behind is removed by the next.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

_PREFIX = "fanlight-up-"
_LOCK = "lock"
_LONGEST_PARENT = 30
"""A socket's path has 107 bytes at most, and a desk's name may take 63 of them."""


@contextlib.contextmanager
def runtime_dir() -> Iterator[Path]:
    """A new directory with mode 0700, gone afterwards."""
    parent = Path(tempfile.gettempdir())
    if len(os.fsencode(parent)) > _LONGEST_PARENT:
        parent = Path("/tmp")
    _sweep(parent)
    directory = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    try:
        with (directory / _LOCK).open("w") as lock:
            # Held while this process lives, however it ends.
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _sweep(parent: Path) -> None:
    for directory in parent.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            if directory.is_symlink() or directory.stat().st_uid != os.getuid():
                continue
            with (directory / _LOCK).open("r") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(directory, ignore_errors=True)
