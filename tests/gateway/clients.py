"""The gateway from outside: an HTTP client, and viewers on real WebSockets."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from fanlight_common.core.grants import ALL_DESKS, Grant, Role
from fanlight_common.process import tokens
from fanlight_common.protocol import binary, control
from fanlight_common.service.worker import Worker
from fanlight_gateway.http.auth import cookie_name
from tests.screenshot.fakes import until

T = TypeVar("T")
VIEWER = "viewer-0"


class TestViewer:
    """One viewer. It keeps all that it is sent, and acknowledges units unless `silent`."""

    __test__ = False

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.silent = False
        self.units: list[binary.VideoUnit] = []
        self.raw_units: list[bytes] = []
        self.messages: list[object] = []
        self.close_code: int | None = None
        self._reading = asyncio.Event()
        self._reading.set()
        self._task = asyncio.create_task(self._read())

    def pause(self) -> None:
        """Read nothing from now on."""
        self._reading.clear()

    def resume(self) -> None:
        """Read again."""
        self._reading.set()

    async def send(self, message: object) -> None:
        """Send a message of the protocol."""
        await self.socket.send(message.encode())  # type: ignore[attr-defined]  # every message has it

    def all(self, kind: type[T]) -> list[T]:
        """Return the messages of this kind that have come."""
        return [message for message in self.messages if isinstance(message, kind)]

    async def get(self, kind: type[T], count: int = 1) -> T:
        """Wait for `count` messages of this kind; return the newest.

        Raises ConnectionError if the gateway closes before.
        """
        await until(lambda: len(self.all(kind)) >= count or self.close_code is not None)
        if len(self.all(kind)) < count:
            raise ConnectionError(f"closed: {self.close_code}")
        return self.all(kind)[-1]

    async def closed(self) -> int:
        """Wait until the gateway has closed; return the code."""
        await until(lambda: self.close_code is not None)
        assert self.close_code is not None
        return self.close_code

    async def ping(self) -> binary.Pong:
        """Wait for a round trip, after which the gateway has handled all that was sent before."""
        before = len(self.all(binary.Pong))
        await self.send(binary.Ping(before, 1))
        return await self.get(binary.Pong, before + 1)

    async def stop(self) -> None:
        """Leave."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        await self.socket.close()

    async def _read(self) -> None:
        try:
            while True:
                await self._reading.wait()
                await self._take(await self.socket.recv())
        except ConnectionClosed:
            self.close_code = self.socket.close_code

    async def _take(self, data: str | bytes) -> None:
        if isinstance(data, str):
            self.messages.append(control.decode_from_gateway(data))
            return
        message = binary.decode_from_gateway(data)
        if not isinstance(message, binary.VideoUnit):
            self.messages.append(message)
            return
        self.units.append(message)
        self.raw_units.append(data)
        if not self.silent:
            await self.send(binary.Ack(10, message.epoch, message.sequence, message.sequence))


class Site:
    """A running gateway."""

    def __init__(self, worker: Worker, secret: bytes, stop: Callable[[], Awaitable[None]]) -> None:
        self.url = worker.offer.http
        self.secret = secret
        self.stop = stop
        self.worker = worker
        self.http = httpx.AsyncClient(base_url=self.url, trust_env=False, timeout=20)

    async def close(self) -> None:
        """Close the HTTP client."""
        await self.http.aclose()

    @property
    def connected(self) -> int:
        """The number of viewers that the gateway has, as its health says."""
        _, details = self.worker.healthy()
        return int(details["viewers"])

    def token(
        self,
        role: Role = Role.CONTROL,
        desk: str = ALL_DESKS,
        ttl_s: float = 60,
    ) -> str:
        """Return a token."""
        now = time.time()
        return tokens.issue(self.secret, Grant(role, desk, int(now + ttl_s)), now)

    async def sign_in(self, token: object, **headers: str) -> httpx.Response:
        """Swap the token for a cookie, as the page does."""
        return await self.http.post("/api/session", json={"token": token}, headers=headers)

    def cookie(self, token: str | None = None) -> dict[str, str]:
        """Return the header of a browser that has signed in."""
        return {"Cookie": f"{cookie_name(self.secret)}={token or self.token()}"}

    def bearer(self, token: str | None = None) -> dict[str, str]:
        """Return the header with a token, by default one for all desks."""
        return {"Authorization": f"Bearer {self.token() if token is None else token}"}

    async def ready(self, desk: str) -> None:
        """Wait until the gateway knows the desk."""

        async def knows() -> bool:
            answer = await self.http.get("/api/desks", headers=self.bearer())
            return desk in [d["name"] for d in answer.json()["desks"]]

        await until(knows)

    def socket(self, desk: str = "main", headers: dict[str, str] | None = None) -> connect:
        """Return a WebSocket to open, with a token for all desks if `headers` is None."""
        return connect(
            f"{self.url.replace('http', 'ws', 1)}/api/desks/{desk}/stream",
            additional_headers=self.bearer() if headers is None else headers,
            compression=None,
            proxy=None,
            max_size=None,
            max_queue=1,
        )

    @contextlib.asynccontextmanager
    async def viewer(
        self,
        role: Role = Role.CONTROL,
        *,
        video: bool = True,
        keyframes: bool = False,
        name: str = VIEWER,
        silent: bool = False,
    ) -> AsyncIterator[TestViewer]:
        """Connect a viewer, and say hello; it leaves at the end."""
        async with self.socket(headers=self.bearer(self.token(role))) as socket:
            viewer = TestViewer(socket)
            viewer.silent = silent
            await viewer.get(control.Welcome)
            await viewer.send(control.Hello(name, video, keyframes))
            await viewer.get(control.DeskState)
            try:
                yield viewer
            finally:
                await viewer.stop()


async def close_code(socket: ClientConnection) -> int | None:
    """Wait until the gateway closes the socket, and return the code."""
    async with asyncio.timeout(10):
        with contextlib.suppress(ConnectionClosed):
            while True:
                await socket.recv()
    return socket.close_code
