"""`python -m fanlight_gateway`: reads the settings and puts the gateway's parts together.

Lives on the main thread; `run` starts the worker's loop, on which `serve` runs. Owns the order in
which the parts are closed, and drops nothing.
"""

import asyncio
import contextlib
import gc
import logging
import sys

from fanlight_common.bus.inlet_connections import InletConnections
from fanlight_common.core.errors import MISCONFIGURED, ConfigurationError
from fanlight_common.process import http, tokens
from fanlight_common.process.settings import BusSettings, load
from fanlight_common.protocol.binary import MAX_VIEWER_MESSAGE_BYTES
from fanlight_common.service.supervision import run
from fanlight_common.service.worker import Worker
from fanlight_gateway.gateway import SETTLE_S, Gateway
from fanlight_gateway.http import app
from fanlight_gateway.http.auth import Auth
from fanlight_gateway.http.screenshots import Screenshots
from fanlight_gateway.http.service_tokens import ServiceTokens
from fanlight_gateway.limits import Limits
from fanlight_gateway.settings import GatewaySettings, ViewerSettings
from fanlight_gateway.streams.desk_book import DeskBook
from fanlight_gateway.streams.desk_channel import DeskChannels
from fanlight_gateway.streams.fan_out import StreamHub
from fanlight_gateway.viewers.websocket_server import ViewerWebSocketProtocol

log = logging.getLogger("fanlight_gateway")
GC_THRESHOLD = 20_000
"""The garbage collector runs after so many new objects. The default is 700; see `main`."""
HARD_MESSAGE_LIMIT_BYTES = 2 * MAX_VIEWER_MESSAGE_BYTES
"""The library cuts a connection past this. Between the two limits the viewer gets the reason."""


async def serve(
    worker: Worker,
    settings: GatewaySettings,
    viewer_settings: ViewerSettings,
    settle_s: float = SETTLE_S,
    limits: Limits | None = None,
) -> None:
    """Run the gateway until cancelled. Tests give `limits`, of which some are settings."""
    limits = (limits or Limits()).of(settings)
    secret = tokens.load_secret(settings.secret_file or tokens.default_secret_file())
    sockets = http.listen(
        settings.host, settings.port, "FANLIGHT_GATEWAY_", settings.tcp_congestion
    )
    inlets = InletConnections(worker.network)
    async with contextlib.AsyncExitStack() as stack:
        group = await stack.enter_async_context(asyncio.TaskGroup())
        book = DeskBook(worker)
        stack.callback(book.close)
        screenshots = Screenshots(book, ServiceTokens(secret))
        stack.push_async_callback(screenshots.close)
        channels = DeskChannels(worker, inlets, group)
        stack.callback(channels.close)
        streams = StreamHub(worker, inlets, limits.idr, group)
        stack.callback(streams.close)
        auth = Auth(secret, settings)
        gateway = Gateway(
            settings,
            viewer_settings,
            limits,
            auth,
            book,
            channels,
            streams,
            settle_s,
            worker.now_us,
        )
        worker.healthy = lambda: (True, {"viewers": gateway.connected})
        stop_listening = await stack.enter_async_context(
            http.serving(
                app.build(gateway, auth, screenshots),
                sockets,
                websocket=ViewerWebSocketProtocol,
                max_message_bytes=HARD_MESSAGE_LIMIT_BYTES,
            )
        )
        stack.push_async_callback(gateway.farewell)
        # Runs before `farewell`, so that viewers do not connect to this gateway again.
        stack.callback(stop_listening)
        worker.drain, worker.drain_limit_s = gateway.drain, settings.drain_s + 0.1
        worker.offer.http = http.base_url(settings.host, sockets, worker.address)
        worker.announce()
        log.info("event=listen url=%s", worker.offer.http)
        await gateway.run()


def main() -> None:
    """Read the settings and run."""
    try:
        bus_settings, settings = load(BusSettings), load(GatewaySettings)
        viewer_settings = load(ViewerSettings)
    except ConfigurationError as error:
        print(f"fanlight-gateway: {error}", file=sys.stderr)
        sys.exit(MISCONFIGURED)
    # With 500 viewers, full collections paused everything for 100 ms, every few seconds. Objects
    # that are being sent to viewers are freed soon. With the usual threshold most of them were
    # moved to the generation of objects that stay, which full collections look through.
    gc.set_threshold(GC_THRESHOLD)
    run("gateway", bus_settings, None, lambda worker: serve(worker, settings, viewer_settings))


if __name__ == "__main__":
    main()
