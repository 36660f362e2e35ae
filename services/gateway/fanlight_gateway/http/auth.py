"""Who is asking, and for how long: tokens from a header or a cookie, and the cookie itself.

Tokens are never in URLs, and neither they nor the secret are ever logged.
"""

import json
import time
from typing import Any

from fastapi import Request, Response
from starlette.requests import HTTPConnection

from fanlight_common.core.errors import TokenError
from fanlight_common.core.grants import Grant
from fanlight_common.process import http, tokens
from fanlight_gateway.core.origins import same_site
from fanlight_gateway.http.problems import problem, read_body
from fanlight_gateway.settings import GatewaySettings

COOKIE = "fanlight_token"
MAX_BODY_BYTES = 16 * 1024


class Auth:
    """Reads and checks tokens."""

    def __init__(self, secret: bytes, settings: GatewaySettings) -> None:
        self._secret = secret
        self._settings = settings
        self._cookie_path = settings.root_path.rstrip("/") or "/"

    def grant(self, connection: HTTPConnection, *, cookie: bool = True) -> Grant:
        """What the connection's token allows. Raises TokenError."""
        token = bearer(connection)
        if token is None and cookie:
            token = connection.cookies.get(COOKIE)
        if not token:
            raise TokenError("no token")
        return tokens.verify(self._secret, token, time.time())

    def require(self, request: Request, *, cookie: bool = True) -> Grant:
        """The same for an HTTP route: raises the answer 401."""
        try:
            return self.grant(request, cookie=cookie)
        except TokenError as error:
            raise problem(401, "unauthorized", str(error)) from None

    def require_desk(self, request: Request, desk: str) -> Grant:
        """The same for a desk: raises 401, or 403 where the token is for another desk."""
        grant = self.require(request)
        if not grant.allows(desk):
            raise problem(403, "forbidden", "the token does not allow this desk")
        return grant

    def same_site(self, connection: HTTPConnection) -> bool:
        """Does the connection come from a page of ours, or from no page at all?

        What is no browser sends no Origin; it has to show its token itself then, because a cookie
        is what a browser sends by itself.

        A browser's own word (Sec-Fetch-Site, which no page can set, and which browsers say over TLS
        and on localhost) counts most: it holds behind a proxy that passes no Host on.
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
        """Swap the token in the body for a cookie that scripts cannot read."""
        self._require_same_site(request)
        token = await _token_in(request)
        now = time.time()
        try:
            grant = tokens.verify(self._secret, token, now)
        except TokenError as error:
            raise problem(401, "unauthorized", str(error)) from None
        response = Response(status_code=204)
        response.set_cookie(
            COOKIE,
            token,
            max_age=max(1, int(grant.expires_at - now)),
            path=self._cookie_path,
            secure=self._secure(request),
            httponly=True,
            samesite="strict",
        )
        return response

    def sign_out(self, request: Request) -> Response:
        """Take the cookie back."""
        self._require_same_site(request)
        response = Response(status_code=204)
        response.delete_cookie(
            COOKIE,
            path=self._cookie_path,
            secure=self._secure(request),
            httponly=True,
            samesite="strict",
        )
        return response

    def _require_same_site(self, request: Request) -> None:
        """Another site's page may not sign people in or out."""
        if "origin" in request.headers and not self.same_site(request):
            raise problem(403, "forbidden_origin", "this page may not sign in here")

    def _secure(self, request: Request) -> bool:
        if self._settings.cookie_secure != "auto":
            return self._settings.cookie_secure == "always"
        # A client that lies here harms only its own cookie.
        forwarded = request.headers.get("x-forwarded-proto", "").split(",")[0].strip()
        return (forwarded or request.url.scheme).lower() == "https"


def bearer(connection: HTTPConnection) -> str | None:
    """The token of the Authorization header."""
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
