"""The question to a gateway whether it is ready, whatever answers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from fanlight_launcher import readiness

Serve = Callable[[bytes], Awaitable[int]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    servers = []

    async def start(answer: bytes) -> int:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            writer.close()

        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        servers.append(server)
        port: int = server.sockets[0].getsockname()[1]
        return port

    yield start
    for server in servers:
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize(
    ("answer", "missing"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n{}", []),
        (b'HTTP/1.1 503 Wait\r\n\r\n{"missing": ["encoder", 1]}', ["encoder", "1"]),
        (b'HTTP/1.1 503 Wait\r\n\r\n{"missing": 7}', None),
        (b"HTTP/1.1 404 No\r\n\r\n<html>", None),
        (b"HTTP/1.1 404 No\r\n\r\n[]", None),
        (b"HTTP/1.1 404 No\r\n\r\n\xff\xfe", None),
        (b"SSH-2.0\r\n", None),
        (b"", None),
    ],
)
async def test_answers(serve: Serve, answer: bytes, missing: list[str] | None) -> None:
    assert await readiness.missing("127.0.0.1", await serve(answer)) == missing


async def test_without_an_answer() -> None:
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    assert await readiness.missing("127.0.0.1", port) is None
