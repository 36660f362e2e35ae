"""Files that hold secrets: read only where nobody else may, made whole or not at all.

Blocking, small. Raises ConfigurationError that says what is wrong with the file, and OSError.
"""

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from fanlight_common.core.errors import ConfigurationError

_TOO_OPEN = stat.S_IRWXO | stat.S_IWGRP | stat.S_IXGRP
"""A group may read it: so a container's secret volume reaches a user that is not root."""


def read(path: Path, what: str, longest: int) -> bytes:
    """Up to `longest` + 1 bytes of the file. `what` is its name in errors."""
    # O_NONBLOCK: opening a FIFO would wait for ever for its writer.
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
    """Make the file unless it is there; of two processes that try, one wins and both read it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _draft(path, content, mode) as draft, contextlib.suppress(FileExistsError):
        # A rename would replace the other's file; a link refuses to.
        os.link(draft, path)


def replace(path: Path, content: bytes) -> None:
    """Write the file anew, with the mode that it has."""
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
