"""The public routes, and nothing else: what each route does is in the module that it calls.

`auth` checks tokens, `pages` has the viewer's files, and `screenshots` passes pictures on. The
viewers' connections go to `websocket` and `plain_http_sessions`. Lives on the worker's loop, and
owns no state.
"""

from typing import Any

from fastapi import FastAPI, Request, Response, WebSocket
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException as StarletteHTTPException

from fanlight_common.core.errors import ProtocolError
from fanlight_common.core.grants import ALL_DESKS
from fanlight_common.core.names import check_name
from fanlight_gateway.gateway import Gateway
from fanlight_gateway.http.auth import Auth
from fanlight_gateway.http.pages import Pages, SecurityHeaders
from fanlight_gateway.http.screenshots import Screenshots
from fanlight_gateway.problems import problem
from fanlight_gateway.viewers.plain_http_sessions import PlainHttpSessions
from fanlight_gateway.viewers.websocket import WebSocketTransport


def build(gateway: Gateway, auth: Auth, screenshots: Screenshots) -> FastAPI:
    """Return the application that serves `gateway`."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    pages = Pages()
    app.add_middleware(SecurityHeaders, script_hash=pages.script_hash)
    app.add_exception_handler(StarletteHTTPException, _problem)
    _add_operations(app, gateway, auth)
    _add_api(app, gateway, auth, screenshots)
    _add_plain_http(app, PlainHttpSessions(gateway))
    app.add_route("/{path:path}", pages.answer, methods=["GET"])
    return app


def _add_operations(app: FastAPI, gateway: Gateway, auth: Auth) -> None:
    @app.get("/healthz")
    async def healthz() -> dict[str, Any]:
        return {"healthy": True}

    @app.get("/readyz")
    async def readyz() -> Response:
        missing = gateway.missing()
        body = {"ready": not missing, "missing": missing}
        return JSONResponse(body, 503 if missing else 200, {"Cache-Control": "no-store"})

    @app.get("/metrics")
    async def metrics(request: Request) -> Response:
        # The token has to be in the header: a page in somebody's browser has no business here.
        if auth.require(request, cookie=False).desk != ALL_DESKS:
            raise problem(403, "forbidden", "metrics want a token for all desks")
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def _add_api(app: FastAPI, gateway: Gateway, auth: Auth, screenshots: Screenshots) -> None:
    @app.post("/api/session")
    async def sign_in(request: Request) -> Response:
        return await auth.sign_in(request)

    @app.delete("/api/session")
    async def sign_out(request: Request) -> Response:
        return auth.sign_out(request)

    @app.get("/api/desks")
    async def desks(request: Request) -> Response:
        grant = auth.require(request)
        listed = [
            {"name": r.desk, "state": r.state, "width": r.width, "height": r.height}
            for r in gateway.book.desks()
            if grant.allows(r.desk)
        ]
        body = {"desks": listed, "role": str(grant.role)}
        return JSONResponse(body, headers={"Cache-Control": "no-store"})

    @app.get("/api/desks/{desk}/screenshot")
    async def screenshot(desk: str, request: Request) -> Response:
        auth.require_desk(request, desk)
        try:
            check_name(desk)
        except ProtocolError:
            raise problem(404, "no_such_desk", "no desk has such a name") from None
        return await screenshots.pass_on(desk, request)

    @app.websocket("/api/desks/{desk}/stream")
    async def stream(desk: str, websocket: WebSocket) -> None:
        await WebSocketTransport(websocket, gateway).serve(desk)


def _add_plain_http(app: FastAPI, sessions: PlainHttpSessions) -> None:
    """Add the routes of the plain-HTTP transport, for networks that let no WebSocket through."""

    @app.post("/api/desks/{desk}/http")
    async def open_session(desk: str, request: Request) -> Response:
        return await sessions.open(desk, request)

    @app.get("/api/desks/{desk}/http/{session}")
    async def take(desk: str, session: str, request: Request) -> Response:
        return await sessions.take(desk, session, request)

    @app.post("/api/desks/{desk}/http/{session}")
    async def give(desk: str, session: str, request: Request) -> Response:
        return await sessions.give(desk, session, request)

    @app.delete("/api/desks/{desk}/http/{session}")
    async def end_session(desk: str, session: str, request: Request) -> Response:
        return await sessions.end(desk, session, request)


async def _problem(request: Request, error: Exception) -> Response:
    """Return an error in the form of all errors: {"error": code, "message": text}."""
    assert isinstance(error, StarletteHTTPException)
    body: Any = error.detail
    if not isinstance(body, dict):
        body = {"error": f"http_{error.status_code}", "message": str(error.detail)}
    return JSONResponse(body, error.status_code, error.headers)
