"""The page and its ES modules, and the headers that keep other people's code out of it."""

import re
from pathlib import Path

from fastapi.staticfiles import StaticFiles
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

WEB = Path(__file__).parent / "web"
_HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")
_TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}


class Pages(StaticFiles):
    """The viewer's files. Each is asked for again at each visit, so that an upgrade shows; an
    unchanged one costs a 304."""

    def __init__(self) -> None:
        super().__init__(directory=WEB, html=True)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """One file."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        # Some machines' type tables know no JavaScript, and nosniff makes that fatal.
        kind = _TYPES.get(Path(path if path not in ("", ".") else "index.html").suffix)
        if kind is not None and response.status_code == 200:
            response.headers["Content-Type"] = f"{kind}; charset=utf-8"
        return response


class SecurityHeaders:
    """Adds them to every HTTP answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Headers(scope=scope)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = content_security_policy(
                    request.get("x-forwarded-host") or request.get("host")
                )
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "no-referrer"
                headers["Cross-Origin-Opener-Policy"] = "same-origin"
                headers["Cross-Origin-Resource-Policy"] = "same-origin"
            await send(message)

        await self._app(scope, receive, with_headers)


def content_security_policy(host: str | None) -> str:
    """Only our own files, pictures that the page made itself, and our own WebSocket.

    The WebSocket stands there by name because not every browser takes 'self' to cover it.
    """
    sockets = f" ws://{host} wss://{host}" if host and _HOST.fullmatch(host) else ""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "worker-src 'self'",
            "style-src 'self'",
            "img-src 'self' blob: data:",
            f"connect-src 'self'{sockets}",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'self'",
        )
    )
