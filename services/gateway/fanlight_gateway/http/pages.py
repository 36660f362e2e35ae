"""The viewer's page and scripts, and the security headers of every answer.

Lives on the worker's loop. Owns all files, which are read, bundled and compressed once, when the
gateway starts. Drops nothing.
"""

import base64
import gzip
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fanlight_gateway.core.bundle import bundle

WEB = Path(__file__).parents[1] / "web"
ENTRIES = {
    "app.js": "page/app.js",
    "fanlight-view.js": "element/fanlight-view.js",
    "worker.js": "session/worker.js",
}
"""The scripts that browsers ask for, and the module that each begins with. A script is the bundle
of that module and of all modules that it imports."""
_HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")
_ANY_VERSION = re.compile(r"^v/[0-9a-f]{16}/")
_KEPT = "public, max-age=31536000, immutable"
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class File:
    """One file as it is sent, plain and compressed."""

    kind: str
    tag: str
    plain: bytes
    packed: bytes


class Pages:
    """The viewer's files.

    A browser revalidates a file that it loads by its own name, so that an upgrade shows. An
    unchanged file takes a 304. The page takes its files from a folder whose name changes with
    their contents, so browsers keep them for good. The page's first code is within the page, so
    that it can ask for a picture while the other files are loading.
    """

    def __init__(self) -> None:
        page = WEB / "page"
        modules = {f.relative_to(WEB).as_posix(): f.read_text() for f in WEB.glob("*/*.js")}
        texts = {name: bundle(path, modules) for name, path in ENTRIES.items()}
        texts |= {f.name: f.read_text() for f in (*page.glob("*.css"), *page.glob("*.svg"))}
        contents = "\0".join(f"{name}\0{texts[name]}" for name in sorted(texts))
        self._folder = f"v/{_digest(contents)}/"
        # This is no module, because a module waits until all of the page, with its styles, is read.
        start = f'(() => {{\n"use strict";\n{bundle("page/start.js", modules)}}})();\n'
        texts["index.html"] = _page((page / "index.html").read_text(), self._folder, start)
        self._files = {name: _file(name, text) for name, text in texts.items()}
        self.script_hash = base64.b64encode(hashlib.sha256(start.encode()).digest()).decode()
        """SHA-256 (base64) of the code within the page, for the Content-Security-Policy."""

    async def answer(self, request: Request) -> Response:
        """Answer with one file. Raises the answer 404."""
        path: str = request.path_params["path"]
        # The page of another version asks for another folder. Our file is better than none.
        file = self._files.get(_ANY_VERSION.sub("", path) or "index.html")
        if file is None:
            raise HTTPException(404)
        headers = {
            "Cache-Control": _KEPT if path.startswith(self._folder) else "no-cache",
            "ETag": file.tag,
            "Vary": "Accept-Encoding",
        }
        if file.tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        content = file.plain
        if "gzip" in request.headers.get("accept-encoding", ""):
            content, headers["Content-Encoding"] = file.packed, "gzip"
        # The type tables of some machines know no JavaScript, which nosniff makes fatal.
        return Response(content, headers={**headers, "Content-Type": file.kind})


def _file(name: str, text: str) -> File:
    plain = text.encode()
    packed = gzip.compress(plain, 9, mtime=0)
    return File(_TYPES[Path(name).suffix], f'W/"{_digest(text)}"', plain, packed)


def _page(text: str, folder: str, start: str) -> str:
    """Return index.html with `start` within it, which takes its other files from `folder`."""
    if "</script" in start or "<!--" in start:
        raise ValueError("start.js: what ends a script in a page cannot be in it")
    tag = '<script type="module" src="start.js"></script>'
    before, found, after = text.partition(tag)
    if not found:
        raise ValueError(f"index.html has no {tag}")
    local = re.compile(r'(?<= )((?:href|src)=")(?=[a-z0-9-]+\.(?:js|css|svg)")')
    before, after = (local.sub(rf"\g<1>{folder}", part) for part in (before, after))
    return f"{before}<script>{start}</script>{after}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class SecurityHeaders:
    """ASGI middleware that adds the security headers to every HTTP answer."""

    def __init__(self, app: ASGIApp, script_hash: str) -> None:
        self._app = app
        self._script_hash = script_hash

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve as ASGI says."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Headers(scope=scope)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = content_security_policy(
                    request.get("x-forwarded-host") or request.get("host"), self._script_hash
                )
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "no-referrer"
                headers["Cross-Origin-Opener-Policy"] = "same-origin"
                headers["Cross-Origin-Resource-Policy"] = "same-origin"
            await send(message)

        await self._app(scope, receive, with_headers)


def content_security_policy(host: str | None, script_hash: str) -> str:
    """Return the policy: our own files and first code, the page's pictures, our own WebSocket.

    The WebSocket is named, because 'self' does not cover it in some browsers.
    """
    sockets = f" ws://{host} wss://{host}" if host and _HOST.fullmatch(host) else ""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' 'sha256-{script_hash}'",
            "worker-src 'self'",
            "style-src 'self'",
            "img-src 'self' blob: data:",
            f"connect-src 'self'{sockets}",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'self'",
        )
    )
