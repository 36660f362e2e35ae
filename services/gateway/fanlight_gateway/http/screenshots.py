"""Passes requests for screenshots on to a live screenshot service, and its answers back.

Lives on the worker's loop. Owns the HTTP client, and keeps no pictures, because the service has the
cache. Drops a request whose viewer has left.
"""

import logging
import time

import httpx
from fastapi import Request, Response

from fanlight_common.process.http import CLIENT_CLOSED, unless_disconnected
from fanlight_common.protocol.screenshot_wait import WAIT_MAX_S
from fanlight_gateway import metrics
from fanlight_gateway.http.service_tokens import ServiceTokens
from fanlight_gateway.problems import problem
from fanlight_gateway.streams.desk_book import DeskBook

log = logging.getLogger(__name__)
TIMEOUT_S = 5.0
_REFUSED = (401, 403)
"""Status codes of a service that does not accept our token."""
_PASSED_BACK = ("etag", "content-type", "retry-after")
_PASSED_BACK_PREFIX = "x-fanlight-"


class Screenshots:
    """The client of all screenshot services."""

    def __init__(self, book: DeskBook, service_tokens: ServiceTokens) -> None:
        self._book = book
        self._tokens = service_tokens
        self._failing: set[str] = set()
        """Base URLs of services that failed to answer the last request."""
        self._client = httpx.AsyncClient(
            timeout=TIMEOUT_S,
            # The bus is private, and a proxy of the environment has no business on it.
            trust_env=False,
            follow_redirects=False,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=64),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def pass_on(self, desk: str, request: Request) -> Response:
        """Return the answer of the first service that answers. Raises the answer 503 if none does.

        If the viewer leaves meanwhile, its request to the service is cancelled.
        """
        wait_s = _wait_s(request.query_params.get("wait", "0"))
        if not wait_s:
            return await self._ask(desk, request, TIMEOUT_S)
        asked = self._ask(desk, request, TIMEOUT_S + wait_s)
        answer = await unless_disconnected(request.receive, asked)
        return answer or Response(status_code=CLIENT_CLOSED)

    async def _ask(self, desk: str, request: Request, timeout_s: float) -> Response:
        headers = {"Authorization": f"Bearer {self._tokens.token(desk, time.time())}"}
        if "if-none-match" in request.headers:
            headers["If-None-Match"] = request.headers["if-none-match"]
        for url in self._book.screenshot_urls(desk):
            target = httpx.URL(f"{url}/desks/{desk}/screenshot").copy_with(
                query=request.url.query.encode()
            )
            try:
                answer = await self._client.get(target, headers=headers, timeout=timeout_s)
            except httpx.HTTPError as error:
                self._failed(url, "event=screenshot_service_silent", str(error) or repr(error))
                continue
            metrics.screenshots.labels(answer.status_code).inc()
            if answer.status_code in _REFUSED:
                # This is not the viewer's fault. Its own token is good, so it must not be told 401.
                reason = f"{answer.status_code}: another secret, or clocks that differ by minutes"
                self._failed(url, "event=screenshot_service_refuses", reason)
                continue
            self._failing.discard(url)
            return _passed_back(answer)
        metrics.screenshots.labels(503).inc()
        raise problem(503, "no_screenshot_service", "no screenshot service answers")

    def _failed(self, url: str, event: str, reason: str) -> None:
        """Log that a service begins to fail, but not each of ten requests a second that fail."""
        if url not in self._failing:
            log.warning(f"{event} url=%s reason=%r", url, reason)
            self._failing.add(url)


def _wait_s(value: str) -> float:
    """Return the seconds in the query, 0 for a wrong text, which the service refuses at once."""
    try:
        wait_s = float(value)
    except ValueError:
        return 0.0
    return wait_s if 0 <= wait_s <= WAIT_MAX_S else 0.0


def _passed_back(answer: httpx.Response) -> Response:
    headers = {
        name: value
        for name, value in answer.headers.items()
        if name in _PASSED_BACK or name.startswith(_PASSED_BACK_PREFIX)
    }
    # The answer is private: what a person's token lets them see is not for a shared cache.
    cacheable = answer.status_code in (200, 304)
    headers["cache-control"] = "private, no-cache" if cacheable else "no-store"
    return Response(answer.content, answer.status_code, headers)
