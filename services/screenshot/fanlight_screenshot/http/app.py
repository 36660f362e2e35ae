"""The HTTP routes: they read parameters, and turn what `desks` says into answers.

Lives on the worker's loop. Owns no state, and decides nothing about pictures: `desks.deltas` and
`desks.desk` do. Drops a waiting request whose client has left.
"""

import time
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from fanlight_common.core.errors import FrameLostError, ProtocolError
from fanlight_common.core.names import check_name
from fanlight_common.process import clock
from fanlight_common.process.http import CLIENT_CLOSED, problem_of, unless_disconnected
from fanlight_common.protocol import patch
from fanlight_screenshot import metrics
from fanlight_screenshot.core import etags
from fanlight_screenshot.core.admission import BusyError
from fanlight_screenshot.core.grabs import ATTEMPTS
from fanlight_screenshot.core.parameters import BadParameterError, Parameters, parse
from fanlight_screenshot.desks.deltas import Answer
from fanlight_screenshot.desks.desk import DeskClosedError, ScreenshotDesk, Shot
from fanlight_screenshot.desks.desk_pool import DeskPool
from fanlight_screenshot.http.access import Access, AccessDeniedError


def build(desks: DeskPool, access: Access) -> FastAPI:
    """Return the application that serves `desks` to those whom `access` lets in."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.add_exception_handler(AccessDeniedError, _refused)

    @app.get("/healthz")
    async def healthz() -> dict[str, Any]:
        return {"healthy": True}

    @app.get("/desks")
    async def list_desks(request: Request) -> dict[str, Any]:
        grant = access.grant(_authorization(request), time.time())
        return {
            "desks": [
                {"name": r.desk, "state": r.state, "width": r.width, "height": r.height}
                for r in desks.records()
                if grant is None or grant.allows(r.desk)
            ]
        }

    @app.get("/desks/{name}/screenshot")
    async def screenshot(name: str, request: Request) -> Response:
        access.require(name, _authorization(request), time.time())
        arrived_at_s = clock.now_s()
        response = await _answer(desks, name, request, arrived_at_s)
        held_ms = int((clock.now_s() - arrived_at_s) * 1000)
        response.headers["X-Fanlight-Held-Ms"] = str(held_ms)
        metrics.requests.labels(response.status_code).inc()
        metrics.answer_seconds.observe(clock.now_s() - arrived_at_s)
        return response

    return app


def _authorization(request: Request) -> str:
    return request.headers.get("authorization", "")


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, AccessDeniedError)
    metrics.requests.labels(error.status).inc()
    return _problem(error.status, error.error, str(error))


async def _answer(desks: DeskPool, name: str, request: Request, arrived_at_s: float) -> Response:
    try:
        parameters = parse(request.query_params)
    except BadParameterError as error:
        return JSONResponse(
            {
                "error": "bad_parameter",
                "parameter": error.parameter,
                "allowed": error.allowed,
                "message": str(error),
            },
            422,
        )
    try:
        desk = desks.get(check_name(name))
    except ProtocolError:
        desk = None
    except DeskClosedError:
        return _desk_failed()
    if desk is None:
        return _problem(404, "no_such_desk", f"no desk {name[:63]!r} was ever seen")
    try:
        if not parameters.wait_s:
            return await _screenshot(desks, desk, parameters, request, arrived_at_s)
        with desks.waiting(desk.record.desk, parameters.viewer):
            asked = _screenshot(desks, desk, parameters, request, arrived_at_s)
            answer = await unless_disconnected(request.receive, asked)
            return answer or Response(status_code=CLIENT_CLOSED)
    except BusyError:
        return _problem(503, "busy", "too many pictures are under way; ask again in a second")
    except DeskClosedError:
        return _desk_failed()


async def _screenshot(
    desks: DeskPool,
    desk: ScreenshotDesk,
    parameters: Parameters,
    request: Request,
    arrived_at_s: float,
) -> Response:
    if parameters.delta and not parameters.cursor:
        tags = request.headers.get("if-none-match")
        answer = await desks.deltas(desk).answer(parameters, tags, arrived_at_s)
        if answer is not None:
            return _patch(answer)
    deadline_s = arrived_at_s + parameters.wait_s
    attempts = 0
    while attempts < ATTEMPTS:
        shot = await desk.shot(arrived_at_s)
        if shot is None:
            break
        pointer = None
        if parameters.cursor:
            pointer = await desk.pointer.current(clock.now_s())
        frame = shot.frame
        tag = etags.make(frame.instance, frame.sequence, pointer.tag if pointer else "", parameters)
        headers = _headers(shot, tag)
        if etags.matches(request.headers.get("if-none-match"), tag):
            if shot.stale or clock.now_s() >= deadline_s:
                return Response(status_code=304, headers=headers)
            await desk.next_change(frame, deadline_s)
            arrived_at_s = clock.now_s()
            continue
        attempts += 1
        try:
            body = await desks.encoding(desk, shot, tag, parameters, pointer)
        except FrameLostError:
            continue
        return Response(body, 200, headers, media_type=parameters.format.media_type)
    what = "its display is away" if desk.record.state == "away" else "nothing came yet"
    why = f"there is no picture of this desk: {what}; ask again in a second"
    return _problem(503, "no_picture", why)


def _patch(answer: Answer) -> Response:
    headers = _headers(answer.shot, answer.tag)
    if answer.base:
        headers["X-Fanlight-Base"] = answer.base
    if answer.patch is None:
        return Response(status_code=304, headers=headers)
    return Response(answer.patch, 200, headers, media_type=patch.MEDIA_TYPE)


def _desk_failed() -> Response:
    return _problem(503, "desk_failed", "the desk raised an error; ask again in a second")


def _headers(shot: Shot, tag: str) -> dict[str, str]:
    headers = {
        "ETag": tag,
        "Cache-Control": "no-cache",
        "X-Fanlight-Captured-Us": str(shot.frame.current_us),
        "X-Fanlight-Width": str(shot.frame.width),
        "X-Fanlight-Height": str(shot.frame.height),
    }
    if shot.stale:
        headers["X-Fanlight-Stale"] = "1"
    return headers


def _problem(status: int, error: str, message: str) -> JSONResponse:
    body, headers = problem_of(status, error, message)
    return JSONResponse(body, status, headers)
