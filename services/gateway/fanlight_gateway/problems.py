"""The answer to a request that cannot be done, and the limit of what is read of its body.

Lives on the worker's loop. Owns the form of every refusal, and no state. Drops a body that is
larger than the limit, and one whose sender has left.
"""

from fastapi import HTTPException, Request
from starlette.requests import ClientDisconnect

from fanlight_common.process.http import problem_of
from fanlight_gateway import metrics


def problem(status: int, error: str, message: str) -> HTTPException:
    """Return the answer to a request that cannot be done: {"error": ..., "message": ...}.

    Counts the request if it had no right to what it asked for.
    """
    if status in (401, 403):
        metrics.rejected.labels(error).inc()
    body, headers = problem_of(status, error, message)
    return HTTPException(status, body, headers)


async def read_body(request: Request, limit_bytes: int) -> bytes:
    """Return the body. Raises the answer 413 past the limit, and 400 if its sender has left."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit_bytes:
                raise problem(413, "too_large", f"wants at most {limit_bytes} bytes")
    except ClientDisconnect:
        # Nobody reads this answer, but without it there would be a traceback in the log.
        raise problem(400, "cut", "the body ended too early") from None
    return bytes(body)
