"""`python -m fanlight_encoder`: the composition root. Settings from the environment."""

import sys

from fanlight_common.errors import ConfigurationError
from fanlight_common.settings import BusSettings, load
from fanlight_common.sockets import Role
from fanlight_common.worker import run
from fanlight_encoder.service import EncoderService
from fanlight_encoder.settings import EncoderSettings


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    try:
        bus_settings, settings = load(BusSettings), load(EncoderSettings)
    except ConfigurationError as error:
        print(f"fanlight-encoder: {error}", file=sys.stderr)
        sys.exit(2)
    run("encoder", bus_settings, Role.ENCODER_OUTLET, EncoderService(settings).run)


if __name__ == "__main__":
    main()
