"""The `fanlight` command: its options and subcommands, and what it prints.

Lives on the main thread; `up` starts the event loop. Owns no state, and leaves all work to the
modules that it calls. A wrong command line, or a ConfigurationError, is one line on standard error
and exit status MISCONFIGURED; the traceback is dropped.
"""

import contextlib
import time
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from fanlight_common.bus import curve_keys
from fanlight_common.core.errors import MISCONFIGURED, ConfigurationError, ProtocolError
from fanlight_common.core.grants import Grant, Role
from fanlight_common.process import tokens
from fanlight_launcher import up as up_module
from fanlight_launcher.core.command_line import page_link, parse_desks, parse_duration
from fanlight_launcher.core.plan import UpOptions
from fanlight_launcher.machine import doctor as doctor_module
from fanlight_launcher.machine import ports

app = typer.Typer(
    help="Watch and steer a remote desktop from a browser, wherever the browser is.",
    no_args_is_help=True,
    add_completion=False,
    # A traceback with local variables would show the secret.
    pretty_exceptions_enable=False,
)

SecretFile = Annotated[
    Path | None,
    typer.Option(
        help="File of the secret that signs tokens; made if it is not there.",
        # This is the gateway's own setting, so that its container needs no option.
        envvar="FANLIGHT_GATEWAY_SECRET_FILE",
        show_default="~/.local/state/fanlight/secret",
    ),
]
Port = Annotated[int, typer.Option(min=1, max=65535, help="Port of the page.")]
ScreenshotPort = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=65535,
        help="Port of the screenshot service, on 127.0.0.1.",
        show_default="the one above --port",
    ),
]
Host = Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")]


@app.command()
def up(
    desk: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=DISPLAY",
            help="A desk to stream, such as main=:0. Repeat it for more desks. "
            "Without it there is a demonstration desk.",
        ),
    ] = None,
    host: Host = "127.0.0.1",
    port: Port = 8080,
    screenshot_port: ScreenshotPort = None,
    encoders: Annotated[int, typer.Option(min=1, max=64, help="How many encoders.")] = 1,
    secret_file: SecretFile = None,
) -> None:
    """Run everything on this machine, until Ctrl-C."""
    with _errors():
        ports.check_ports(host, port, screenshot_port)
        options = UpOptions(
            host=host,
            port=port,
            screenshot_port=ports.screenshot_port(port, screenshot_port),
            encoders=encoders,
            secret_file=str(secret_file or tokens.default_secret_file()),
        )
        raise typer.Exit(up_module.up(options, parse_desks(desk or [])))


@app.command()
def token(
    role: Annotated[
        Role, typer.Option(help="view only watches; control also types and points.")
    ] = Role.VIEW,
    desk: Annotated[str, typer.Option(help="Name of a desk, or * for all.")] = "main",
    ttl: Annotated[
        str, typer.Option(help="How long the link lets people in: 30m, 12h, 7d.")
    ] = "1h",
    secret_file: SecretFile = None,
    url: Annotated[
        # A container learns the URL of the page from its environment alone.
        str,
        typer.Option(help="URL of the page.", envvar="FANLIGHT_URL"),
    ] = "http://127.0.0.1:8080",
    raw: Annotated[bool, typer.Option("--raw", help="Print the token alone.")] = False,
) -> None:
    """Print a link that lets a person in."""
    with _errors():
        now = time.time()
        grant = Grant(role, desk, int(now) + parse_duration(ttl))
        try:
            signed = tokens.issue(
                tokens.load_secret(secret_file or tokens.default_secret_file()), grant, now
            )
        except ProtocolError as error:
            raise ConfigurationError(f"--desk: {error}") from None
        print(signed if raw else page_link(url, desk, signed))


@app.command()
def doctor(
    host: Host = "127.0.0.1", port: Port = 8080, screenshot_port: ScreenshotPort = None
) -> None:
    """Tell what is missing on this machine, and how to install it."""
    with _errors():
        other = ports.screenshot_port(port, screenshot_port)
        raise typer.Exit(doctor_module.doctor(host, port, other, Console()))


class KeyStep(StrEnum):
    """A change of a key file."""

    CREATE = "create"
    ADD = "add"
    PROMOTE = "promote"
    REMOVE = "remove"


@app.command("keys")
def change_keys(
    step: Annotated[
        KeyStep, typer.Argument(help="create makes the file; add, promote, remove change it.")
    ],
    file: Annotated[Path, typer.Argument(help="The bus's key file (FANLIGHT_BUS_KEYS).")],
) -> None:
    """Make or change the keys of a bus on the network, while it runs.

    To change the key, add a key to the file of each host, then promote it in each file, then remove
    the old key from each file. Processes read a changed file within a second.
    """
    with _errors():
        match step:
            case KeyStep.CREATE:
                curve_keys.create(file)
            case KeyStep.ADD:
                curve_keys.add(file)
            case KeyStep.PROMOTE:
                curve_keys.promote(file)
            case KeyStep.REMOVE:
                curve_keys.remove(file)
        found = curve_keys.load(file)
        accepted = ", ".join(key.name for key in found[1:]) or "none"
        print(f"primary {found[0].name}, also accepted: {accepted}")


@contextlib.contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except ConfigurationError as error:
        typer.echo(f"fanlight: {error}", err=True)
        raise typer.Exit(MISCONFIGURED) from None
