"""Asks the gateway, over plain HTTP, whether it is ready.

Lives on the launcher's event loop, and owns one connection for each question. An answer is cut off
at 64 KiB.
"""

import asyncio
import contextlib
import json

_ANSWER_S = 2.0
_LONGEST_ANSWER_BYTES = 65536


async def missing(host: str, port: int) -> list[str] | None:
    """Return what the gateway says that it lacks: [] if it is ready, None without an answer.

    Takes at most _ANSWER_S.
    """
    try:
        async with asyncio.timeout(_ANSWER_S):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(b"GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n")
                answer = await reader.read(_LONGEST_ANSWER_BYTES)
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
    except (OSError, TimeoutError):
        return None
    return _missing(answer)


def _missing(answer: bytes) -> list[str] | None:
    """Return what an answer says that the gateway lacks, None if no gateway gave the answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status = head.split(b" ", 2)[1:2]
    if status == [b"200"]:
        return []
    try:
        names = json.loads(body)["missing"]
    except (ValueError, KeyError, TypeError):
        return None
    return [str(name) for name in names] if isinstance(names, list) else None
