"""The private directory of one `fanlight up`: sockets, the demonstration desk's files.

Runs on the main thread. Owns the directory and its lock: a launcher holds the lock while it lives,
and removes the directory with everything in it at its end. A directory that a killed launcher left
behind is removed by the next launcher, which finds it unlocked.
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
_LONGEST_PARENT_BYTES = 30
"""The path of a socket has at most 107 bytes, and the name of a desk may take 63 of them."""


@contextlib.contextmanager
def runtime_dir() -> Iterator[Path]:
    """A new directory with mode 0700, removed afterwards."""
    parent = Path(tempfile.gettempdir())
    if len(os.fsencode(parent)) > _LONGEST_PARENT_BYTES:
        parent = Path("/tmp")
    _remove_abandoned(parent)
    directory, lock = _locked_directory(parent)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        os.close(lock)


def _locked_directory(parent: Path) -> tuple[Path, int]:
    """A new directory, and the descriptor whose lock says that its launcher lives."""
    while True:
        directory = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        lock = os.open(directory / _LOCK, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        # The kernel gives the lock up when this process ends, however it ends.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.fstat(lock).st_nlink:
            return directory, lock
        # Another launcher found the lock free, just before it was taken here, and removed all.
        os.close(lock)


def _remove_abandoned(parent: Path) -> None:
    for directory in parent.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            if directory.is_symlink() or directory.stat().st_uid != os.getuid():
                continue
            with (directory / _LOCK).open("r") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(directory, ignore_errors=True)
