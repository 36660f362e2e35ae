"""Answers the requests of the plain-HTTP transport, and knows the session of each.

Lives on the worker's loop. Nobody can guess a session's name. Each request has to show its token as
well, so a name alone is worth nothing. The reason why a session is over is forgotten once a
thousand others are over.
"""

import asyncio
import json
from collections import OrderedDict

from fastapi import HTTPException, Request, Response
from fastapi.responses import JSONResponse

from fanlight_common.core.errors import ProtocolError
from fanlight_common.process.http import unless_disconnected
from fanlight_common.protocol import batches
from fanlight_common.protocol.binary import MAX_VIEWER_MESSAGE_BYTES, CloseCode
from fanlight_gateway import metrics
from fanlight_gateway.problems import problem, read_body
from fanlight_gateway.viewers.admission import (
    FOREIGN_ORIGIN,
    NotAdmittedError,
    admit,
    read_hello,
    welcome,
)
from fanlight_gateway.viewers.plain_http_transport import PlainHttpTransport
from fanlight_gateway.viewers.transport_host import TransportHost

MAX_HELLO_BYTES = 4096
MAX_BODY_BYTES = 2 * MAX_VIEWER_MESSAGE_BYTES
MAX_REMEMBERED = 1000
"""For this many sessions that are over the reason is remembered."""
_STATUS = {
    CloseCode.GOING_AWAY: 503,
    CloseCode.TRY_LATER: 503,
    CloseCode.BAD_MESSAGE: 400,
    CloseCode.UNAUTHORIZED: 401,
    CloseCode.FORBIDDEN: 403,
    CloseCode.NO_SUCH_DESK: 404,
}
_OVER = 410
_CONFLICT = 409


class PlainHttpSessions:
    """Knows the sessions of all viewers that use plain HTTP, by their names."""

    def __init__(self, gateway: TransportHost) -> None:
        self._gateway = gateway
        self._sessions: dict[str, PlainHttpTransport] = {}
        self._over: OrderedDict[str, tuple[CloseCode, str]] = OrderedDict()

    async def open(self, desk: str, request: Request) -> Response:
        """Open a session. The body is the viewer's hello; the answer has the session's name and
        Welcome."""
        self._require_same_site(request)
        try:
            grant, record = await admit(self._gateway, request, desk)
            async with asyncio.timeout(self._gateway.limits.transport.hello_timeout_s):
                body = await read_body(request, MAX_HELLO_BYTES)
            hello = read_hello(body.decode(errors="replace"))
            session = PlainHttpTransport(self._gateway, hello, grant, record, self._forget)
            if session.closed is not None:
                raise NotAdmittedError(*session.closed)
        except NotAdmittedError as refused:
            metrics.rejected.labels(refused.code.name.lower()).inc()
            raise _refusal(_STATUS[refused.code], refused.code, refused.reason) from None
        except TimeoutError:
            raise problem(408, "too_slow", "no hello in time") from None
        self._sessions[session.id] = session
        opened = {
            "session": session.id,
            "long_poll_ms": round(self._gateway.limits.transport.http_long_poll_s * 1000),
            **json.loads(welcome(self._gateway, grant, record).encode()),
        }
        return JSONResponse(opened, headers={"Cache-Control": "no-store"})

    async def take(self, desk: str, name: str, request: Request) -> Response:
        """Answer with the messages for the viewer. The request waits until there is one."""
        session = self._session(desk, name, request)
        try:
            waiting = session.take(_number(request, "after"))
            first, messages = await unless_disconnected(request.receive, waiting) or (0, [])
        except ProtocolError as error:
            raise problem(_CONFLICT, "bad_number", str(error)) from None
        if session.closed is not None and not messages:
            raise _refusal(_OVER, *session.closed)
        return _batch(batches.encode(messages), "X-Fanlight-First", first)

    async def give(self, desk: str, name: str, request: Request) -> Response:
        """Handle the messages in the body, and answer with their pongs."""
        self._require_same_site(request)
        session = self._session(desk, name, request)
        first = _number(request, "first")
        body = await read_body(request, MAX_BODY_BYTES)
        try:
            messages = batches.decode(body)
        except ProtocolError as error:
            metrics.refused.labels("bad_message").inc()
            session.close(CloseCode.BAD_MESSAGE, str(error))
            messages = []
        if session.closed is not None:
            raise _refusal(_OVER, *session.closed)
        try:
            handled, pongs = session.give(first, messages)
        except ProtocolError as error:
            raise problem(_CONFLICT, "bad_number", str(error)) from None
        if session.closed is not None:
            raise _refusal(_OVER, *session.closed)
        return _batch(batches.encode(pongs), "X-Fanlight-Handled", handled)

    async def end(self, desk: str, name: str, request: Request) -> Response:
        """End the session, because the viewer leaves."""
        self._require_same_site(request)
        self._session(desk, name, request).leave()
        return Response(status_code=204, headers={"Cache-Control": "no-store"})

    def _require_same_site(self, request: Request) -> None:
        """Raise the answer 403 to a page of another site, because browsers send cookies by
        themselves."""
        if not self._gateway.auth.same_site(request):
            metrics.rejected.labels("forbidden_origin").inc()
            raise _refusal(403, CloseCode.FORBIDDEN, FOREIGN_ORIGIN)

    def _session(self, desk: str, name: str, request: Request) -> PlainHttpTransport:
        """Return the session. Raises the answer 401 or 403, or 410 if the session is over."""
        grant = self._gateway.auth.require_desk(request, desk)
        session = self._sessions.get(name)
        if session is None:
            lost = CloseCode.GOING_AWAY, "no such session; begin anew"
            raise _refusal(_OVER, *self._over.get(name, lost))
        if session.desk != desk or (session.grant.can_control and not grant.can_control):
            raise problem(403, "forbidden", "the token does not allow this session")
        return session

    def _forget(self, session: PlainHttpTransport) -> None:
        self._sessions.pop(session.id, None)
        if session.closed is not None:
            self._over[session.id] = session.closed
        while len(self._over) > MAX_REMEMBERED:
            self._over.popitem(last=False)


def _number(request: Request, name: str) -> int:
    value = request.query_params.get(name, "")
    if not (value.isascii() and value.isdigit() and len(value) <= 15):
        raise problem(400, "bad_request", f"{name}: wants a number")
    return int(value)


def _batch(body: bytes, header: str, number: int) -> Response:
    headers = {header: str(number), "Cache-Control": "no-store"}
    return Response(body, media_type="application/octet-stream", headers=headers)


def _refusal(status: int, code: CloseCode, reason: str) -> HTTPException:
    """Return the answer as `problem` does, with the code that a WebSocket would be closed with."""
    headers = {"Cache-Control": "no-store"}
    if status == 503:
        headers["Retry-After"] = "1"
    detail = {"error": code.name.lower(), "message": reason, "code": int(code)}
    return HTTPException(status, detail, headers)
