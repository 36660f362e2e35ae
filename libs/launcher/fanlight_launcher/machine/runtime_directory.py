"""The private directory of one `fanlight up`, with sockets and the demonstration desk's files.

A launcher locks a file in its directory while it lives, and removes the directory at its end. If a
launcher was killed, the next launcher finds its directory unlocked and removes it. Blocks on the
caller's thread for as long as that takes.
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
    """Make a directory with mode 0700, and remove it afterwards."""
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
    """Return a new directory, and the descriptor whose lock says that its launcher lives."""
    while True:
        directory = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        lock = os.open(directory / _LOCK, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        # The kernel releases the lock when this process ends, however it ends.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.fstat(lock).st_nlink:
            return directory, lock
        # Another launcher found the lock free just before this one took it, and removed all.
        os.close(lock)


def _remove_abandoned(parent: Path) -> None:
    for directory in parent.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            if directory.is_symlink() or directory.stat().st_uid != os.getuid():
                continue
            with (directory / _LOCK).open("r") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(directory, ignore_errors=True)
