"""The keys of a bus on the network: CURVE secret keys in a file, one a line, in Z85.

A process that has one of these keys belongs to the bus. The first is the *primary* key: a process
shows it when it connects, and the directory's listeners have it as their own key. The other keys
are accepted as well, so that keys can be changed without shutting anybody out: `add` one
everywhere, `promote` it everywhere, `remove` the old one.

Owns the file's format. Blocks while it reads or writes the file, on whatever thread calls; drops
nothing.
"""

from dataclasses import dataclass
from pathlib import Path

import zmq
from zmq.utils import z85

from fanlight_common.core.errors import ConfigurationError
from fanlight_common.process import secret_files

MODE = 0o640
MAX_KEYS = 8
_LONGEST_BYTES = 4096
_KEY_CHARS = 40


@dataclass(frozen=True, slots=True)
class BusKey:
    """A CURVE key pair, both halves in Z85 as ZeroMQ takes them."""

    secret: bytes
    public: bytes

    @property
    def name(self) -> str:
        """The first digits of the public half, for logs."""
        return public_hex(self.public)[:12]

    def __repr__(self) -> str:
        return f"<BusKey {self.name}>"


def new() -> BusKey:
    """Return a fresh key."""
    public, secret = zmq.curve_keypair()
    return BusKey(secret, public)


def public_hex(public: bytes) -> str:
    """Return a public key in hex, for endpoints: Z85 has characters that endpoints use."""
    return z85.decode(public).hex()


def public_z85(text: str) -> bytes:
    """Reverse `public_hex`. Raises ValueError."""
    raw = bytes.fromhex(text)
    if len(raw) != 32:
        raise ValueError(f"a public key has 32 bytes, not {len(raw)}")
    encoded: bytes = z85.encode(raw)
    return encoded


def load(path: Path) -> tuple[BusKey, ...]:
    """Return the keys of a file, the primary first.

    Raises ConfigurationError if the file is not there, if others can read it, or if it has no keys.
    """
    try:
        content = secret_files.read(path, "key file", _LONGEST_BYTES)
    except OSError as error:
        raise ConfigurationError(f"key file {path}: {error.strerror or error}") from None
    lines = [line.strip() for line in content.splitlines()]
    found = tuple(_key(line, path) for line in lines if line and not line.startswith(b"# "))
    if not 0 < len(found) <= MAX_KEYS:
        raise ConfigurationError(f"key file {path}: wants 1 to {MAX_KEYS} keys, has {len(found)}")
    if len(set(found)) != len(found):
        raise ConfigurationError(f"key file {path}: the same key twice")
    return found


def create(path: Path) -> None:
    """Make the file with one key, unless it is there."""
    try:
        # The directory may not be able to write there if an orchestrator put the file there.
        if not path.exists():
            secret_files.make(path, _content((new(),)), MODE)
    except OSError as error:
        raise ConfigurationError(f"key file {path}: {error.strerror or error}") from None


def add(path: Path) -> BusKey:
    """Accept a new key beside those of the file. Returns it."""
    key = new()
    _write(path, (*load(path), key))
    return key


def promote(path: Path) -> BusKey:
    """Make the file's last key its primary. Returns it."""
    *rest, last = load(path)
    _write(path, (last, *rest))
    return last


def remove(path: Path) -> BusKey:
    """Take away the file's last key, unless it is the only one. Returns it."""
    *rest, last = load(path)
    _write(path, tuple(rest))
    return last


def _key(line: bytes, path: Path) -> BusKey:
    try:
        if len(line) == _KEY_CHARS:
            return BusKey(line, zmq.curve_public(line))
    except (zmq.ZMQError, ValueError, KeyError):
        pass
    # The error does not quote the line, which may be a secret key with a typing error.
    raise ConfigurationError(f"key file {path}: a line that is no CURVE secret key in Z85")


def _content(found: tuple[BusKey, ...]) -> bytes:
    return b"".join(key.secret + b"\n" for key in found)


def _write(path: Path, found: tuple[BusKey, ...]) -> None:
    if not 0 < len(found) <= MAX_KEYS:
        raise ConfigurationError(f"key file {path}: wants 1 to {MAX_KEYS} keys")
    try:
        secret_files.replace(path, _content(found))
    except OSError as error:
        raise ConfigurationError(f"key file {path}: {error.strerror or error}") from None
