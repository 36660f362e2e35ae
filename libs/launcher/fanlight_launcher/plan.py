"""What `fanlight up` runs: which services, told what.

Pure but for the interpreter's path. The commands are the very ones that the containers run; all
that a service has to know is in its environment.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fanlight_launcher.core.command_line import base_url
from fanlight_launcher.processes.supervisor import Spec, always

KINDS = ("directory", "capture", "encoder", "screenshot", "gateway")


@dataclass(frozen=True, slots=True)
class Options:
    """What a person chose."""

    host: str
    port: int
    screenshot_port: int
    encoders: int
    secret_file: Path


def services(
    options: Options, runtime_dir: Path, desks: Mapping[str, Mapping[str, str]]
) -> list[Spec]:
    """All services, the directory first.

    `desks`: the environment (DISPLAY, XAUTHORITY) of each desk's capture.
    """
    screenshot_url = base_url("127.0.0.1", options.screenshot_port)
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
        # Not for the public, whatever --host is: it asks for no token.
        _service(
            "screenshot",
            "screenshot",
            runtime_dir,
            {
                "FANLIGHT_SCREENSHOT_HOST": "127.0.0.1",
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
                "FANLIGHT_GATEWAY_SECRET_FILE": str(options.secret_file),
            },
            base_url(options.host, options.port),
        ),
    ]


def token_environment(options: Options) -> dict[str, str]:
    """What `fanlight token` has to know, to print links to these services."""
    return {
        "FANLIGHT_URL": base_url(options.host, options.port),
        "FANLIGHT_GATEWAY_SECRET_FILE": str(options.secret_file),
    }


def _service(
    kind: str,
    id_: str,
    runtime_dir: Path,
    environment: Mapping[str, str] | None = None,
    note: str = "",
) -> Spec:
    return Spec(
        name=id_,
        command=always(sys.executable, "-m", f"fanlight_{kind}"),
        environment={
            **(environment or {}),
            "FANLIGHT_RUNTIME_DIR": str(runtime_dir),
            "FANLIGHT_ID": id_,
            # One port for all of them would be taken by the first.
            "FANLIGHT_HEALTH_PORT": "0",
        },
        note=note,
    )
