"""`python -m fanlight_capture`: reads the settings from the environment, and captures one desk."""

import sys

from fanlight_capture.service import CaptureService
from fanlight_capture.settings import CaptureSettings
from fanlight_common.bus.sockets import SocketRole
from fanlight_common.core.errors import MISCONFIGURED, ConfigurationError
from fanlight_common.process import logs
from fanlight_common.process.settings import BusSettings, load
from fanlight_common.service.supervision import run
from fanlight_common.service.worker import Worker


def main() -> None:
    """Run until SIGTERM. A wrong setting ends the process with status 2 and one line."""
    try:
        bus_settings, settings = load(BusSettings), load(CaptureSettings)
    except ConfigurationError as error:
        print(f"fanlight-capture: {error}", file=sys.stderr)
        sys.exit(MISCONFIGURED)
    logs.about(desk=settings.desk)

    async def work(worker: Worker) -> None:
        await CaptureService(worker, settings).run()

    run("capture", bus_settings, SocketRole.CAPTURE_OUTLET, work)


if __name__ == "__main__":
    main()
