"""A gateway that sends what a test says. It serves the viewer's files, a bare page and a WebSocket.

It runs uvicorn on a thread and an event loop of its own.
"""

import asyncio
import json
import threading
import time
from fractions import Fraction
from importlib.resources import files
from pathlib import Path
from typing import Any

import av
import numpy as np
import uvicorn
from fastapi import FastAPI, Response, WebSocket, WebSocketDisconnect
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

from fanlight_common.core.geometry import Rect
from fanlight_common.protocol import binary, control
from tests.e2e.processes import wait_until
from tests.ports import free_port

WEB = Path(str(files("fanlight_gateway") / "web"))
PAGE = """<!doctype html><meta charset="utf-8"><style>fanlight-view { width: 640px; height: 360px }
</style><script type="module" src="/element/fanlight-view.js"></script>"""


class FakeGateway:
    """A gateway of one desk, `main`. Requests get `screenshot`, or 503 if that is None."""

    def __init__(self, width: int, height: int) -> None:
        self.size = (width, height)
        self.screenshot: bytes | None = None
        self.screenshot_requests: list[str] = []
        self.sockets: list[WebSocket] = []
        self.acks: list[tuple[float, binary.Ack]] = []
        self.controls: list[str] = []
        self.port = free_port()
        self._loop = asyncio.new_event_loop()
        config = uvicorn.Config(
            self._app(), port=self.port, log_level="warning", ws="websockets-sansio"
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        wait_until(lambda: self._server.started, "the fake gateway")

    def _run(self) -> None:
        self._loop.run_until_complete(self._server.serve())

    @property
    def url(self) -> str:
        """Return the URL of the bare page."""
        return f"http://127.0.0.1:{self.port}/bare"

    def close(self) -> None:
        """Stop the server and end its thread."""
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(10)

    def send(self, *messages: bytes | str) -> None:
        """Send messages to the viewer that came last, without a pause between them."""
        asyncio.run_coroutine_threadsafe(self._send(messages), self._loop).result(10)

    async def _send(self, messages: tuple[bytes | str, ...]) -> None:
        for message in messages:
            if isinstance(message, str):
                await self.sockets[-1].send_text(message)
            else:
                await self.sockets[-1].send_bytes(message)

    def wait_painted(self, epoch: int, sequence: int, limit_s: float = 10.0) -> binary.Ack:
        """Wait until that unit is acknowledged as painted, and return the acknowledgement."""

        def found() -> binary.Ack | None:
            hits = (ack for _, ack in self.acks if (ack.epoch, ack.painted) == (epoch, sequence))
            return next(hits, None)

        ack: binary.Ack = wait_until(found, f"unit {sequence} painted; {self.acks[-3:]}", limit_s)
        return ack

    def _app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/bare")
        async def bare() -> HTMLResponse:
            return HTMLResponse(PAGE)

        @app.get("/api/desks/main/screenshot")
        async def screenshot(quality: str, scale: str) -> Response:
            self.screenshot_requests.append(f"{quality} {scale}")
            if self.screenshot is None:
                return Response(status_code=503)
            return Response(self.screenshot, media_type="image/jpeg")

        @app.websocket("/api/desks/main/stream")
        async def stream(socket: WebSocket) -> None:
            await socket.accept()
            await socket.send_text(control.Welcome("main", "control", {}).encode())
            await socket.receive_text()
            await socket.send_text(control.DeskState("live", *self.size).encode())
            await socket.send_text(control.VideoState("live", "high").encode())
            self.sockets.append(socket)
            try:
                while True:
                    self._received(socket, await socket.receive())
            except (WebSocketDisconnect, RuntimeError):
                pass

        app.mount("/", StaticFiles(directory=WEB))
        return app

    def _received(self, socket: WebSocket, event: Any) -> None:
        if event["type"] == "websocket.disconnect":
            raise WebSocketDisconnect
        if event.get("text") is not None:
            self.controls.append(next(iter(json.loads(event["text"]))))
            return
        message = binary.decode_from_viewer(event["bytes"])
        if isinstance(message, binary.Ack):
            self.acks.append((time.monotonic(), message))
        elif isinstance(message, binary.Ping):
            pong = binary.Pong(message.id, message.viewer_us, time.monotonic_ns() // 1000)
            task = self._loop.create_task(socket.send_bytes(pong.encode()))
            task.add_done_callback(lambda done: done.exception())


class Encoding:
    """A stream of plain pictures as H.264, one unit a picture, as an encoder builds it."""

    def __init__(
        self, width: int, height: int, epoch: int = 1, size: tuple[int, int] | None = None
    ):
        self.width, self.height, self.epoch = width, height, epoch
        self.desk = size or (width, height)
        self.sequence = 0
        codec = av.CodecContext.create("libx264", "w")
        assert isinstance(codec, av.VideoCodecContext)
        codec.width, codec.height, codec.pix_fmt = width, height, "yuv420p"
        codec.time_base = Fraction(1, 1000)
        codec.options = {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline",
                         "g": "100000"}  # fmt: skip
        self._codec = codec
        self._last_us = 0

    def _head(self) -> tuple[int, int]:
        self.sequence += 1
        self._last_us = max(self._last_us + 1, time.monotonic_ns() // 1000)
        return self.sequence, self._last_us

    def picture(self, grey: int, *areas: Rect) -> bytes:
        """Return a unit whose picture has one shade; the first is an IDR.

        The viewer paints it in `areas`, or everywhere.
        """
        sequence, captured_us = self._head()
        planes = np.full((self.height * 3 // 2, self.width), 128, np.uint8)
        planes[: self.height] = grey
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.pts = sequence
        (packet,) = self._codec.encode(frame)
        unit = binary.VideoUnit(
            packet.is_keyframe, self.width, self.height, self.epoch, sequence, captured_us,
            bytes(packet), areas=areas,
        )  # fmt: skip
        return unit.encode()

    def patch(self, payload: bytes) -> bytes:
        """Return a unit that is a patch."""
        sequence, captured_us = self._head()
        return binary.VideoUnit(
            False, *self.desk, self.epoch, sequence, captured_us, payload, patch=True
        ).encode()
