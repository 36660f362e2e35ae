"""`python -m fanlight_directory`: reads the settings and runs the directory.

Lives on the main thread; `run` starts the worker's loop. Owns and drops nothing.
"""

import sys

from fanlight_common.bus.directory_client import DIRECTORY_ID
from fanlight_common.bus.sockets import SocketRole
from fanlight_common.core.errors import MISCONFIGURED, ConfigurationError
from fanlight_common.process.settings import BusSettings, load
from fanlight_common.service.supervision import run
from fanlight_common.service.worker import Worker
from fanlight_directory.core.registry import GRACE_S
from fanlight_directory.service import Directory
from fanlight_directory.settings import DirectorySettings


def main(grace_s: float = GRACE_S) -> None:
    """Run the directory until it is told to stop. Tests shorten `grace_s` (see `core.registry`)."""
    try:
        # The id is always this one, because every process looks for the directory under it.
        bus_settings = load(BusSettings).model_copy(update={"id": DIRECTORY_ID})
        own = load(DirectorySettings)
    except ConfigurationError as error:
        print(f"fanlight-directory: {error}", file=sys.stderr)
        sys.exit(MISCONFIGURED)

    async def serve(worker: Worker) -> None:
        await Directory(worker, bus_settings, own, grace_s).run()

    run("directory", bus_settings, SocketRole.DIRECTORY_OUTLET, serve)


if __name__ == "__main__":
    main()
