"""`python -m fanlight_screenshot`: reads the settings and puts the service's parts together.

Lives on the main thread; `run` starts the worker's loop, on which `serve` runs. Drops nothing.
"""

import asyncio
import logging
import sys
from urllib.parse import urlsplit

from fanlight_common.core.errors import MISCONFIGURED, ConfigurationError
from fanlight_common.process import http, tokens
from fanlight_common.process.settings import BusSettings, load
from fanlight_common.service.supervision import run
from fanlight_common.service.worker import Worker
from fanlight_screenshot.core.tuning import Tuning
from fanlight_screenshot.http.access import Access
from fanlight_screenshot.settings import ScreenshotSettings

log = logging.getLogger("fanlight_screenshot")
_DEFAULT_TUNING = Tuning()
_ONLY_HERE = ("localhost", "127.0.0.1", "::1")


def access_of(worker: Worker, settings: ScreenshotSettings) -> Access:
    """Return who is let in. Raises ConfigurationError if everybody on a network would be."""
    if settings.secret_file is not None:
        return Access(tokens.load_secret(settings.secret_file))
    if worker.settings.bus_directory:
        raise ConfigurationError(
            "FANLIGHT_SCREENSHOT_SECRET_FILE is not set: with FANLIGHT_BUS_DIRECTORY the bus is on "
            "the network, where whoever reaches this port would see the desks"
        )
    return Access()


async def serve(
    worker: Worker, settings: ScreenshotSettings, tuning: Tuning = _DEFAULT_TUNING
) -> None:
    """Run the service until cancelled."""
    # These imports are not at the top, because numpy starts OpenBLAS's threads when it is imported.
    # The threads have to inherit the signal mask that `run` sets. Otherwise one of them takes
    # SIGTERM, and the process dies of it.
    from fanlight_screenshot.desks.desk_pool import DeskPool
    from fanlight_screenshot.http import app

    access = access_of(worker, settings)
    sockets = http.listen(settings.host, settings.port, "FANLIGHT_SCREENSHOT_")
    url = settings.url.rstrip("/") or http.base_url(settings.host, sockets, worker.address)
    if worker.settings.bus_directory and urlsplit(url).hostname in _ONLY_HERE:
        log.warning("event=unreachable url=%s hint=%r", url, "set FANLIGHT_SCREENSHOT_HOST=0.0.0.0")
    async with (
        DeskPool(worker, settings, tuning) as desks,
        http.serving(app.build(desks, access), sockets),
    ):
        worker.offer.http = url
        worker.announce()
        await asyncio.Event().wait()


def main() -> None:
    """Read the settings and run."""
    try:
        bus_settings, settings = load(BusSettings), load(ScreenshotSettings)
    except ConfigurationError as error:
        print(f"fanlight-screenshot: {error}", file=sys.stderr)
        sys.exit(MISCONFIGURED)
    run("screenshot", bus_settings, None, lambda worker: serve(worker, settings))


if __name__ == "__main__":
    main()
