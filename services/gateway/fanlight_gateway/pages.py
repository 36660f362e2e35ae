"""The page and its ES modules, and the headers that keep other people's code out of it."""

import hashlib
import re
from pathlib import Path

from fastapi.staticfiles import StaticFiles
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

WEB = Path(__file__).parent / "web"
_HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")
_OTHERS = re.compile(r"^v/[0-9a-f]{16}/")
_KEPT = "public, max-age=31536000, immutable"
_TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}


class Pages(StaticFiles):
    """The viewer's files.

    By its own name a file is asked for again at each visit, so that an upgrade shows; unchanged it
    costs a 304. The page itself takes them from a folder whose name changes with them, where they
    are kept for good, and names all modules at once: otherwise a browser finds them one import
    after another, and asks for each of the worker's again.
    """

    def __init__(self) -> None:
        super().__init__(directory=WEB, html=True)
        files = sorted(path for path in WEB.iterdir() if path.is_file())
        contents = b"\0".join(path.name.encode() + b"\0" + path.read_bytes() for path in files)
        version = hashlib.sha256(contents).hexdigest()[:16]
        self._folder, self._tag = f"v/{version}/", f'"{version}"'
        modules = [path.name for path in files if path.suffix == ".js"]
        self._page = _page(self._folder, modules).encode()

    async def get_response(self, path: str, scope: Scope) -> Response:
        """One file."""
        if path in ("", ".", "index.html") and scope["method"] in ("GET", "HEAD"):
            headers = {"Cache-Control": "no-cache", "ETag": self._tag}
            if self._tag in Headers(scope=scope).get("if-none-match", ""):
                return Response(status_code=304, headers=headers)
            return Response(self._page, media_type="text/html", headers=headers)
        kept = path.startswith(self._folder)
        # Also for a page of another gateway, of another version: better than no file.
        response = await super().get_response(_OTHERS.sub("", path), scope)
        response.headers["Cache-Control"] = _KEPT if kept else "no-cache"
        # Some machines' type tables know no JavaScript, and nosniff makes that fatal.
        kind = _TYPES.get(Path(path).suffix)
        if kind is not None and response.status_code == 200:
            response.headers["Content-Type"] = f"{kind}; charset=utf-8"
        return response


def _page(folder: str, modules: list[str]) -> str:
    """index.html with its files taken from `folder`, and all modules named."""
    text = (WEB / "index.html").read_text()
    local = re.compile(r'(?<= )((?:href|src)=")(?=[a-z0-9-]+\.(?:js|css|svg)")')
    text = local.sub(rf"\g<1>{folder}", text)
    links = "".join(f'<link rel="modulepreload" href="{folder}{name}">\n    ' for name in modules)
    return text.replace("<script ", f"{links}<script ", 1)


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
