"""The HTTP routes. No decisions about pictures here: see `desks` and `desk`."""

from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from fanlight_common import clock
from fanlight_common.errors import FrameLostError, ProtocolError
from fanlight_common.names import check_name
from fanlight_screenshot import etags, metrics
from fanlight_screenshot.desk import Desk, Shot
from fanlight_screenshot.desks import BusyError, Desks
from fanlight_screenshot.parameters import BadParameterError, Parameters, parse

ATTEMPTS = 4
"""A frame is lost when capture overwrites it while it is copied; the next one is as good."""


def build(desks: Desks) -> FastAPI:
    """The application over `desks`."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

    @app.get("/healthz")
    async def healthz() -> dict[str, Any]:
        return {"healthy": True}

    @app.get("/desks")
    async def list_desks() -> dict[str, Any]:
        return {
            "desks": [
                {"name": r.desk, "state": r.state, "width": r.width, "height": r.height}
                for r in desks.records()
            ]
        }

    @app.get("/desks/{name}/screenshot")
    async def screenshot(name: str, request: Request) -> Response:
        arrived_us = clock.now_us()
        response = await _answer(desks, name, request, arrived_us)
        metrics.requests.labels(response.status_code).inc()
        metrics.answer_seconds.observe((clock.now_us() - arrived_us) / 1e6)
        return response

    return app


async def _answer(desks: Desks, name: str, request: Request, arrived_us: int) -> Response:
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
    if desk is None:
        return _problem(404, "no_such_desk", f"no desk {name[:63]!r} was ever seen")
    try:
        return await _screenshot(desks, desk, parameters, request, arrived_us)
    except BusyError:
        return _problem(503, "busy", "too many pictures are under way; ask again in a second")


async def _screenshot(
    desks: Desks, desk: Desk, parameters: Parameters, request: Request, arrived_us: int
) -> Response:
    for _ in range(ATTEMPTS):
        shot = await desk.shot(arrived_us)
        if shot is None:
            break
        pointer = None
        if parameters.cursor:
            wait_s = desks.settings.pointer_wait_ms / 1000
            pointer = await desk.pointer.current(clock.now_s(), wait_s)
        frame = shot.frame
        tag = etags.make(frame.instance, frame.sequence, pointer.tag if pointer else "", parameters)
        headers = _headers(shot, tag)
        if etags.matches(request.headers.get("if-none-match"), tag):
            return Response(status_code=304, headers=headers)
        try:
            body = await desks.encoding(desk, shot, tag, parameters, pointer)
        except FrameLostError:
            continue
        return Response(body, 200, headers, media_type=parameters.format.media_type)
    return _problem(
        503, "no_picture", "there is no picture of this desk yet; ask again in a second"
    )


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
    headers = {"Cache-Control": "no-store"}
    if status == 503:
        headers["Retry-After"] = "1"
    return JSONResponse({"error": error, "message": message}, status, headers)
