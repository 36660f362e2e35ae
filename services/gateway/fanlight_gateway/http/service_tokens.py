"""The gateway's own tokens, with which it asks screenshot services for one desk's pictures.

A viewer's token is not passed on, because it may allow more than to look at this desk. Time is an
argument (unix seconds). Lives on the worker's loop. Owns up to 4096 tokens, and drops all of them
if there are more.
"""

from fanlight_common.core.grants import Grant, Role
from fanlight_common.process import tokens

LIFE_S = 300
"""How long a token is good. The clocks of two hosts may differ by half of this."""
_RENEW_S = LIFE_S / 2
_MOST = 4096
"""So many tokens are kept. To sign one takes some 20 us, so forgetting them costs little."""


class ServiceTokens:
    """Makes a token for each desk that is asked for, and renews it in time."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._kept: dict[str, tuple[float, str]] = {}

    def token(self, desk: str, now: float) -> str:
        """Return a token to view `desk` that is good for at least LIFE_S / 2."""
        issued_at, token = self._kept.get(desk, (float("-inf"), ""))
        if not 0 <= now - issued_at < _RENEW_S:  # The clock may have been set back.
            if len(self._kept) >= _MOST:
                self._kept.clear()
            token = tokens.issue(self._secret, Grant(Role.VIEW, desk, int(now) + LIFE_S), now)
            self._kept[desk] = now, token
        return token
