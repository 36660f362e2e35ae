"""The `fanlight` command: the command line in, errors as one line and an exit status out."""

import contextlib
import time
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from fanlight_common.bus import curve_keys
from fanlight_common.core.errors import ConfigurationError, ProtocolError
from fanlight_common.core.grants import Grant, Role
from fanlight_common.process import tokens
from fanlight_launcher import up as up_module
from fanlight_launcher.core.command_line import page_link, parse_desks, parse_duration
from fanlight_launcher.machine import doctor as doctor_module
from fanlight_launcher.plan import Options

MISCONFIGURED = 2

app = typer.Typer(
    help="Watch and steer a remote desktop from a browser, wherever the browser is.",
    no_args_is_help=True,
    add_completion=False,
    # A traceback that shows local variables would show the secret.
    pretty_exceptions_enable=False,
)

SecretFile = Annotated[
    Path | None,
    typer.Option(
        help="The secret that signs tokens, made on first start.",
        # The gateway's own setting: beside it, in its container, nothing has to be said.
        envvar="FANLIGHT_GATEWAY_SECRET_FILE",
        show_default="~/.local/state/fanlight/secret",
    ),
]
Port = Annotated[int, typer.Option(min=1, max=65535, help="Port of the page.")]
ScreenshotPort = Annotated[
    int, typer.Option(min=1, max=65535, help="Port of the screenshot service, on 127.0.0.1.")
]
Host = Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for every one.")]


@app.command()
def up(
    desk: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=DISPLAY",
            help="A desk to stream, such as main=:0. Say it again for more desks. "
            "Without it there is a demonstration desk.",
        ),
    ] = None,
    host: Host = "127.0.0.1",
    port: Port = 8080,
    screenshot_port: ScreenshotPort = 8081,
    encoders: Annotated[int, typer.Option(min=1, max=64, help="How many encoders.")] = 1,
    secret_file: SecretFile = None,
) -> None:
    """Run all of it on this machine, until Ctrl-C."""
    with _errors():
        options = Options(
            host=host,
            port=port,
            screenshot_port=screenshot_port,
            encoders=encoders,
            secret_file=secret_file or tokens.default_secret_file(),
        )
        if port == screenshot_port:
            raise ConfigurationError("--port and --screenshot-port are the same")
        raise typer.Exit(up_module.up(options, parse_desks(desk or [])))


@app.command()
def token(
    role: Annotated[Role, typer.Option(help="Only watch, or type and point too.")] = Role.VIEW,
    desk: Annotated[str, typer.Option(help="Name of a desk, or * for all.")] = "main",
    ttl: Annotated[str, typer.Option(help="How long it is good for: 30m, 12h, 7d.")] = "1h",
    secret_file: SecretFile = None,
    url: Annotated[
        # In a container only the environment can say where the page is to be reached.
        str,
        typer.Option(help="Where the page is.", envvar="FANLIGHT_URL"),
    ] = "http://127.0.0.1:8080",
    raw: Annotated[bool, typer.Option("--raw", help="Print the token alone.")] = False,
) -> None:
    """Print a link that lets somebody in."""
    with _errors():
        now = time.time()
        grant = Grant(role, desk, int(now) + parse_duration(ttl))
        try:
            made = tokens.issue(
                tokens.load_secret(secret_file or tokens.default_secret_file()), grant, now
            )
        except ProtocolError as error:
            raise ConfigurationError(f"--desk: {error}") from None
        print(made if raw else page_link(url, desk, made))


@app.command()
def doctor(
    host: Host = "127.0.0.1", port: Port = 8080, screenshot_port: ScreenshotPort = 8081
) -> None:
    """Say what is missing on this machine, and how to get it."""
    raise typer.Exit(doctor_module.doctor(host, port, screenshot_port, Console()))


class KeyStep(StrEnum):
    """What is done to a key file."""

    CREATE = "create"
    ADD = "add"
    PROMOTE = "promote"
    REMOVE = "remove"


@app.command("keys")
def change_keys(
    step: Annotated[KeyStep, typer.Argument(help="create, then add, promote, remove to change.")],
    file: Annotated[Path, typer.Argument(help="The bus's key file (FANLIGHT_BUS_KEYS).")],
) -> None:
    """Make or change the keys of a bus on the network, while it runs.

    add a key to every host's file, then promote it everywhere, then remove the old one everywhere.
    Processes read a changed file within a second.
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
