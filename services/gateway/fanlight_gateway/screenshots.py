"""Screenshots are passed on: to a live screenshot service, and its answer back.

Lives on the worker's loop. Holds no pictures; the service has the cache.
"""

import logging

import httpx
from fastapi import Request, Response

from fanlight_gateway import metrics
from fanlight_gateway.desks import DeskBook
from fanlight_gateway.problems import problem

log = logging.getLogger(__name__)
TIMEOUT_S = 5.0
_PASSED_BACK = ("etag", "content-type", "retry-after")
_PASSED_BACK_PREFIX = "x-fanlight-"


class Screenshots:
    """The client of the screenshot services."""

    def __init__(self, book: DeskBook) -> None:
        self._book = book
        self._client = httpx.AsyncClient(
            timeout=TIMEOUT_S,
            # The bus is private; a proxy of the environment has no business on it.
            trust_env=False,
            follow_redirects=False,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=64),
        )

    async def close(self) -> None:
        """Let the connections go."""
        await self._client.aclose()

    async def pass_on(self, desk: str, request: Request) -> Response:
        """The answer of the first service that answers; 503 where none does."""
        headers = {}
        if "if-none-match" in request.headers:
            headers["If-None-Match"] = request.headers["if-none-match"]
        for url in self._book.screenshot_urls(desk):
            target = httpx.URL(f"{url}/desks/{desk}/screenshot").copy_with(
                query=request.url.query.encode()
            )
            try:
                answer = await self._client.get(target, headers=headers)
            except httpx.HTTPError as error:
                log.warning("event=screenshot_service_silent url=%s reason=%r", url, str(error))
                continue
            metrics.screenshots.labels(answer.status_code).inc()
            return _passed_back(answer)
        metrics.screenshots.labels(503).inc()
        raise problem(503, "no_screenshot_service", "no screenshot service answers")


def _passed_back(answer: httpx.Response) -> Response:
    headers = {
        name: value
        for name, value in answer.headers.items()
        if name in _PASSED_BACK or name.startswith(_PASSED_BACK_PREFIX)
    }
    # Private: what a person's token lets them see is not for a shared cache.
    cacheable = answer.status_code in (200, 304)
    headers["cache-control"] = "private, no-cache" if cacheable else "no-store"
    return Response(answer.content, answer.status_code, headers)
