"""Tokens (JWT, HS256) that carry a grant, and the secret that signs them.

Owns the format of a token and the secret file; `core.grants` says what a grant allows. May be
called on any thread; drops nothing. Time is an argument (unix seconds). Only `load_secret` and
`default_secret_file` touch the machine. The gateway verifies tokens, the launcher issues them, and
both read the same file.
"""

import os
import secrets
from pathlib import Path

import jwt

from fanlight_common.core.errors import ConfigurationError, ProtocolError, TokenError
from fanlight_common.core.grants import ALL_DESKS, Grant, Role
from fanlight_common.core.names import check_name
from fanlight_common.process import secret_files

SECRET_BYTES = 32
"""HS256 wants a key as long as its digest (RFC 7518, 3.2); a shorter one is refused."""

_ALGORITHM = "HS256"
_AUDIENCE = "fanlight"
_CLAIMS = ("aud", "exp", "iat", "role", "desk")
_LONGEST_SECRET_BYTES = 4096
_LONGEST_TOKEN_CHARS = 4096


def issue(secret: bytes, grant: Grant, now: float) -> str:
    """Return a token for `grant`. Raises ProtocolError if its desk has no legal name."""
    if grant.desk != ALL_DESKS:
        check_name(grant.desk)
    claims = {
        "aud": _AUDIENCE,
        "iat": int(now),
        "exp": grant.expires_at,
        "role": str(grant.role),
        "desk": grant.desk,
    }
    return jwt.encode(claims, secret, algorithm=_ALGORITHM)


def verify(secret: bytes, token: str, now: float) -> Grant:
    """Return what `token` allows. Raises TokenError, whose reason may be shown to the sender."""
    if not token.isascii() or len(token) > _LONGEST_TOKEN_CHARS:
        raise TokenError("malformed token")
    try:
        claims = jwt.decode(
            token,
            secret,
            algorithms=[_ALGORITHM],
            audience=_AUDIENCE,
            # The library would read the clock. Expiry is checked below, by `now`.
            options={
                "require": list(_CLAIMS),
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
    except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError):
        raise TokenError("forged token: it was not signed with this server's secret") from None
    except jwt.InvalidAudienceError:
        raise TokenError("token is not for fanlight") from None
    # A header of nested brackets leads to RecursionError, because the library parses it before it
    # checks the signature.
    except (jwt.InvalidTokenError, RecursionError):
        raise TokenError("malformed token") from None
    role, desk, expires_at = claims["role"], claims["desk"], claims["exp"]
    if type(expires_at) is not int or role not in tuple(Role) or not isinstance(desk, str):
        raise TokenError("malformed token")
    if desk != ALL_DESKS:
        try:
            check_name(desk)
        except ProtocolError:
            raise TokenError("malformed token") from None
    grant = Grant(Role(role), desk, expires_at)
    if grant.has_expired(now):
        raise TokenError("token has expired")
    return grant


def default_secret_file() -> Path:
    """Return `$XDG_STATE_HOME/fanlight/secret`, by default under ~/.local/state."""
    state = os.environ.get("XDG_STATE_HOME", "")
    # The XDG specification says that a relative path is to be ignored.
    base = Path(state) if os.path.isabs(state) else Path.home() / ".local" / "state"
    return base / "fanlight" / "secret"


def load_secret(path: Path) -> bytes:
    """Return the bytes of the secret file. Make it (random, mode 0600) if it is not there.

    Raises ConfigurationError if others can read the file, if it is too short or too long, or if it
    is no regular file.
    """
    try:
        if not path.exists():
            secret_files.make(path, secrets.token_bytes(SECRET_BYTES))
        secret = secret_files.read(path, "secret file", _LONGEST_SECRET_BYTES)
    except OSError as error:
        raise ConfigurationError(f"secret file {path}: {error.strerror or error}") from None
    if not SECRET_BYTES <= len(secret) <= _LONGEST_SECRET_BYTES:
        raise ConfigurationError(
            f"secret file {path}: wants {SECRET_BYTES} to {_LONGEST_SECRET_BYTES} bytes"
        )
    return secret
