"""The screenshot service: frames to still images over HTTP. `python -m fanlight_screenshot`."""

import asyncio
import sys

from fanlight_common import http
from fanlight_common.errors import ConfigurationError
from fanlight_common.settings import BusSettings, load
from fanlight_common.worker import Worker, run
from fanlight_screenshot.settings import ScreenshotSettings


async def serve(worker: Worker, settings: ScreenshotSettings) -> None:
    """Be the service until cancelled."""
    # Not at the top: numpy starts OpenBLAS's threads when it is imported, and those have to inherit
    # the signal mask that `run` sets, or one of them takes SIGTERM and the process dies of it.
    from fanlight_screenshot import app
    from fanlight_screenshot.desks import Desks

    sockets = http.listen(settings.host, settings.port, "FANLIGHT_SCREENSHOT_")
    url = settings.url.rstrip("/") or http.base_url(settings.host, sockets)
    async with Desks(worker, settings) as desks, http.serving(app.build(desks), sockets):
        worker.offer.http = url
        worker.announce()
        await asyncio.Event().wait()


def main() -> None:
    """Read the settings and run."""
    try:
        bus_settings, settings = load(BusSettings), load(ScreenshotSettings)
    except ConfigurationError as error:
        print(f"fanlight-screenshot: {error}", file=sys.stderr)
        sys.exit(2)
    run("screenshot", bus_settings, None, lambda worker: serve(worker, settings))


if __name__ == "__main__":
    main()
