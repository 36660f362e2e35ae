"""Access: **here a token is checked**, by `Auth.grant` for every route and transport, and by
`Auth.sign_in` for a new cookie.

A token comes in the Authorization header or in a cookie, which `sign_in` sets. The signature itself
is checked in `fanlight_common.process.tokens`. Tokens are never in URLs, and neither tokens nor the
secret are ever logged. Lives on the worker's loop, and owns the secret.
"""

import hmac
import json
import time
from typing import Any

from fastapi import Request, Response
from starlette.requests import HTTPConnection

from fanlight_common.core.errors import TokenError
from fanlight_common.core.grants import Grant
from fanlight_common.process import http, tokens
from fanlight_gateway.core.origins import same_site
from fanlight_gateway.problems import problem, read_body
from fanlight_gateway.settings import GatewaySettings

MAX_BODY_BYTES = 16 * 1024


class Auth:
    """Checks tokens with one secret, and swaps them for cookies."""

    def __init__(self, secret: bytes, settings: GatewaySettings) -> None:
        self._secret = secret
        self._settings = settings
        self._cookie = cookie_name(secret)
        self._cookie_path = settings.root_path.rstrip("/") or "/"

    def grant(self, connection: HTTPConnection, *, cookie: bool = True) -> Grant:
        """Check the connection's token. Returns what it allows. Raises TokenError.

        If `cookie` is False, only the header counts.
        """
        token = bearer(connection)
        if token is None and cookie:
            token = connection.cookies.get(self._cookie)
        if not token:
            raise TokenError("no token")
        return tokens.verify(self._secret, token, time.time())

    def require(self, request: Request, *, cookie: bool = True) -> Grant:
        """Does what `grant` does for an HTTP route: it raises the answer 401."""
        try:
            return self.grant(request, cookie=cookie)
        except TokenError as error:
            raise problem(401, "unauthorized", str(error)) from None

    def require_desk(self, request: Request, desk: str) -> Grant:
        """Check the token for a desk. Raises the answer 401, or 403 if it is for another desk."""
        grant = self.require(request)
        if not grant.allows(desk):
            raise problem(403, "forbidden", "the token does not allow this desk")
        return grant

    def same_site(self, connection: HTTPConnection) -> bool:
        """Return whether the connection comes from a page of ours, or from no page at all.

        A client that is no browser sends no Origin. It then has to show its token in the header,
        because a browser sends a cookie by itself.

        Browsers send Sec-Fetch-Site over TLS and to localhost, and no page can set it. It counts
        before the Origin, because it is right behind a proxy that passes no Host on, too.
        """
        headers = connection.headers
        if headers.get("sec-fetch-site") == "same-origin":
            return True
        origin = headers.get("origin")
        if origin is None:
            return bearer(connection) is not None
        return same_site(
            origin,
            headers.get("host"),
            headers.get("x-forwarded-host"),
            self._settings.origins,
        )

    async def sign_in(self, request: Request) -> Response:
        """Swap the token in the body for a cookie that scripts cannot read. Raises the answers 400,
        401 and 403."""
        self._require_same_site(request)
        token = await _token_in(request)
        now = time.time()
        try:
            grant = tokens.verify(self._secret, token, now)
        except TokenError as error:
            raise problem(401, "unauthorized", str(error)) from None
        response = Response(status_code=204)
        response.set_cookie(
            self._cookie,
            token,
            max_age=max(1, int(grant.expires_at - now)),
            path=self._cookie_path,
            secure=self._secure(request),
            httponly=True,
            samesite="strict",
        )
        return response

    def sign_out(self, request: Request) -> Response:
        """Delete the cookie."""
        self._require_same_site(request)
        response = Response(status_code=204)
        response.delete_cookie(
            self._cookie,
            path=self._cookie_path,
            secure=self._secure(request),
            httponly=True,
            samesite="strict",
        )
        return response

    def _require_same_site(self, request: Request) -> None:
        """Raise the answer 403 to another site's page, which may not sign people in or out."""
        if "origin" in request.headers and not self.same_site(request):
            raise problem(403, "forbidden_origin", "this page may not sign in here")

    def _secure(self, request: Request) -> bool:
        if self._settings.cookie_secure != "auto":
            return self._settings.cookie_secure == "always"
        # A client that sends a wrong header harms only its own cookie.
        forwarded = request.headers.get("x-forwarded-proto", "").split(",")[0].strip()
        return (forwarded or request.url.scheme).lower() == "https"


def cookie_name(secret: bytes) -> str:
    """Return the name of the cookie, which all gateways with this secret share.

    Browsers send a host's cookies to all its ports. By one name for all, two fanlights on one host
    would sign each other's viewers out.
    """
    return f"fanlight_token_{hmac.digest(secret, b'cookie name', 'sha256').hex()[:8]}"


def bearer(connection: HTTPConnection) -> str | None:
    """Return the token of the Authorization header, None without a token."""
    return http.bearer(connection.headers.get("authorization", ""))


async def _token_in(request: Request) -> str:
    body = await read_body(request, MAX_BODY_BYTES)
    try:
        value: Any = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict) or not isinstance(value.get("token"), str):
        raise problem(400, "bad_request", 'wants {"token": "..."}')
    token: str = value["token"]
    return token
