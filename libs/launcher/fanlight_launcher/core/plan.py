"""Which services `fanlight up` runs, and what their environments say.

Pure: functions without state. The commands are the same as in the containers, because a service
finds all that it has to know in its environment.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass

from fanlight_launcher.core.command_line import base_url
from fanlight_launcher.core.process_spec import ProcessSpec, always

KINDS = ("directory", "capture", "encoder", "screenshot", "gateway")
SCREENSHOT_HOST = "127.0.0.1"
"""Where the screenshot service listens, whatever --host is, because it asks for no token."""


@dataclass(frozen=True, slots=True)
class UpOptions:
    """What a person chose on the command line."""

    host: str
    port: int
    screenshot_port: int
    encoders: int
    secret_file: str


def services(
    options: UpOptions, runtime_dir: str, desks: Mapping[str, Mapping[str, str]]
) -> list[ProcessSpec]:
    """Return all services, the directory first.

    `desks` has the environment (DISPLAY, XAUTHORITY) of each desk's capture, by the desk's name.
    """
    screenshot_url = base_url(SCREENSHOT_HOST, options.screenshot_port)
    return [
        _service("directory", "directory", runtime_dir),
        *(
            _service(
                "capture",
                f"capture-{name}",
                runtime_dir,
                {
                    **environment,
                    "FANLIGHT_CAPTURE_DESK": name,
                    "FANLIGHT_CAPTURE_SOURCE": "x11",
                    "FANLIGHT_CAPTURE_DISPLAY": environment["DISPLAY"],
                },
                f"desk {name} on {environment['DISPLAY']}",
            )
            for name, environment in desks.items()
        ),
        *(
            _service("encoder", f"encoder-{number}", runtime_dir)
            for number in range(options.encoders)
        ),
        _service(
            "screenshot",
            "screenshot",
            runtime_dir,
            {
                "FANLIGHT_SCREENSHOT_HOST": SCREENSHOT_HOST,
                "FANLIGHT_SCREENSHOT_PORT": str(options.screenshot_port),
            },
            screenshot_url,
        ),
        _service(
            "gateway",
            "gateway",
            runtime_dir,
            {
                "FANLIGHT_GATEWAY_HOST": options.host,
                "FANLIGHT_GATEWAY_PORT": str(options.port),
                "FANLIGHT_GATEWAY_SECRET_FILE": options.secret_file,
            },
            base_url(options.host, options.port),
        ),
    ]


def token_environment(options: UpOptions) -> dict[str, str]:
    """Return the environment in which `fanlight token` prints links to these services' page."""
    return {
        "FANLIGHT_URL": base_url(options.host, options.port),
        "FANLIGHT_GATEWAY_SECRET_FILE": options.secret_file,
    }


def _service(
    kind: str,
    id_: str,
    runtime_dir: str,
    environment: Mapping[str, str] | None = None,
    note: str = "",
) -> ProcessSpec:
    return ProcessSpec(
        name=id_,
        command=always(sys.executable, "-m", f"fanlight_{kind}"),
        environment={
            **(environment or {}),
            "FANLIGHT_RUNTIME_DIR": runtime_dir,
            "FANLIGHT_ID": id_,
            # Any free port, because the first process would take a fixed one from the others.
            "FANLIGHT_HEALTH_PORT": "0",
        },
        note=note,
    )
