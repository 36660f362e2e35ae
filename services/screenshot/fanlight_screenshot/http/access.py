"""Who may see which desk: the token of a request decides, if the service has a secret to check it.

Without a secret everybody may see everything, which is for a port that only this machine reaches.
Owns the secret. Time is an argument, in seconds of Unix time; any thread may call it.
"""

from dataclasses import dataclass

from fanlight_common.core.errors import FanlightError, TokenError
from fanlight_common.core.grants import Grant
from fanlight_common.process import http, tokens


class AccessDeniedError(FanlightError):
    """A request may not have what it asks for. `status` and `error` are those of the answer."""

    def __init__(self, status: int, error: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.error = error


@dataclass(frozen=True, slots=True)
class Access:
    """Gateways and `fanlight token` sign with `secret`. If it is None, no token is wanted."""

    secret: bytes | None = None

    def grant(self, authorization: str, now: float) -> Grant | None:
        """Return what an Authorization header allows. None means everything. Raises
        AccessDeniedError."""
        if self.secret is None:
            return None
        token = http.bearer(authorization)
        if not token:
            raise AccessDeniedError(
                401, "unauthorized", "no token: send Authorization: Bearer TOKEN"
            )
        try:
            return tokens.verify(self.secret, token, now)
        except TokenError as error:
            raise AccessDeniedError(401, "unauthorized", str(error)) from None

    def require(self, desk: str, authorization: str, now: float) -> None:
        """Check that `desk` may be seen. Raises AccessDeniedError if not."""
        grant = self.grant(authorization, now)
        if grant is not None and not grant.allows(desk):
            raise AccessDeniedError(403, "forbidden", "the token does not allow this desk")
