"""`python -m fanlight_encoder`: reads the settings from the environment, and runs the service."""

import sys

from fanlight_common.bus.sockets import SocketRole
from fanlight_common.core.errors import MISCONFIGURED, ConfigurationError
from fanlight_common.process.settings import BusSettings, load
from fanlight_common.service.supervision import run
from fanlight_common.service.worker import Worker
from fanlight_encoder.settings import EncoderSettings


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    try:
        bus_settings, settings = load(BusSettings), load(EncoderSettings)
    except ConfigurationError as error:
        print(f"fanlight-encoder: {error}", file=sys.stderr)
        sys.exit(MISCONFIGURED)

    async def serve(worker: Worker) -> None:
        # These are imported here and not at the top, because numpy starts OpenBLAS's threads when
        # it is imported, and those have to inherit the signal mask that `run` sets. A thread
        # without that mask takes SIGTERM, and the process dies of it without telling the directory.
        import av

        from fanlight_encoder.service import EncoderService

        # PyAV logs nothing by default, and an error number alone says little.
        av.logging.set_level(av.logging.ERROR)
        await EncoderService(settings).run(worker)

    run("encoder", bus_settings, SocketRole.ENCODER_OUTLET, serve)


if __name__ == "__main__":
    main()
