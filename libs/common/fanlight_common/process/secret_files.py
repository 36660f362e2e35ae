"""Files that hold secrets: read only if nobody else may read them, written whole or not at all.

Owns and drops nothing. Blocks while it reads or writes a small file, on whatever thread calls.
Raises ConfigurationError, which says what is wrong with the file, and OSError.
"""

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from fanlight_common.core.errors import ConfigurationError

_TOO_OPEN = stat.S_IRWXO | stat.S_IWGRP | stat.S_IXGRP
"""A group may read the file, because that is how a container's secret volume reaches a user that is
not root."""


def read(path: Path, what: str, longest: int) -> bytes:
    """Return up to `longest` + 1 bytes of the file. `what` is its name in errors."""
    # O_NONBLOCK, because opening a FIFO would otherwise wait for ever for its writer.
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ConfigurationError(f"{what} {path}: not a regular file")
        if status.st_mode & _TOO_OPEN:
            raise ConfigurationError(
                f"{what} {path}: others may read or change it "
                f"(mode {stat.S_IMODE(status.st_mode):04o}); run: chmod 600 {path}"
            )
        return file.read(longest + 1)


def make(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write the file unless it is there. Of two processes that try at once, one writes it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _draft(path, content, mode) as draft, contextlib.suppress(FileExistsError):
        # A link fails if another process was faster; a rename would replace the other's file.
        os.link(draft, path)


def replace(path: Path, content: bytes) -> None:
    """Replace the file's content and keep its mode. An error leaves the old content in place."""
    with _draft(path, content, stat.S_IMODE(path.stat().st_mode)) as draft:
        draft.replace(path)


@contextlib.contextmanager
def _draft(path: Path, content: bytes, mode: int) -> Iterator[Path]:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with open(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield draft
    finally:
        draft.unlink(missing_ok=True)
