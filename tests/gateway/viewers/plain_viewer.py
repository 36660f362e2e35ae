"""A viewer that uses plain HTTP, seen from outside the gateway."""

import asyncio

import httpx

from fanlight_common.core.grants import Role
from fanlight_common.protocol import batches, binary, bus, control, input
from tests.gateway.clients import VIEWER, Site
from tests.screenshot.fakes import FakeCapture, until

KEY_A = input.Key(True, 4)
HELLO = control.Hello(VIEWER, True, False).encode()


class PlainViewer:
    """A viewer without WebSocket."""

    def __init__(self, site: Site, opened: httpx.Response, headers: dict[str, str]) -> None:
        assert opened.status_code == 200, opened.text
        self.opened = opened.json()
        self.path = f"/api/desks/main/http/{self.opened['session']}"
        self.site, self.headers = site, headers
        self.after, self.next = 0, 1

    async def poll(self, after: int | None = None, **headers: str) -> httpx.Response:
        """Ask for messages once, as a long poll; return the answer."""
        params = {"after": self.after if after is None else after}
        return await self.site.http.get(self.path, params=params, headers=self.headers | headers)

    async def take(self) -> list[object]:
        """Return the messages that a poll brings; the next poll acknowledges them."""
        answer = await self.poll()
        assert answer.status_code == 200, answer.text
        messages = batches.decode(answer.content)
        first = int(answer.headers["x-fanlight-first"])
        self.after = max(self.after, first + len(messages) - 1)
        return [decoded(message) for message in messages]

    async def give(
        self, *messages: object, first: int | None = None, body: bytes | None = None
    ) -> httpx.Response:
        """Send messages, as the next ones unless `first` says otherwise; return the answer."""
        raw = [m if isinstance(m, bytes | str) else m.encode() for m in messages]  # type: ignore[attr-defined]  # every message has it
        number = self.next if first is None else first
        if first is None:
            self.next += len(messages)
        return await self.site.http.post(
            self.path,
            params={"first": number},
            content=batches.encode(raw) if body is None else body,
            headers=self.headers,
        )


def decoded(message: bytes | str) -> object:
    if isinstance(message, str):
        return control.decode_from_gateway(message)
    return binary.decode_from_gateway(message)


async def join(site: Site, role: Role = Role.CONTROL, name: str = VIEWER) -> PlainViewer:
    headers = site.bearer(site.token(role))
    hello = control.Hello(name, True, False).encode()
    opened = await site.http.post("/api/desks/main/http", content=hello, headers=headers)
    return PlainViewer(site, opened, headers)


async def held_poll(viewer: PlainViewer, polls: list[int]) -> asyncio.Task[httpx.Response]:
    """Return a poll that the gateway holds. There must be no message for the viewer yet."""
    before = len(polls)
    asked = asyncio.create_task(viewer.poll())
    await until(lambda: len(polls) > before)
    return asked


def keys(capture: FakeCapture) -> list[bytes]:
    return [m.message for m in capture.told if isinstance(m, bus.Input)]
