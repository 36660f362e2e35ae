"""Runs a command behind a bad network: `python -m netlab --rate 1mbit --delay 100ms -- COMMAND`.

`netlab` is in the folder tests, so `cd tests` or set PYTHONPATH=tests. COMMAND runs on the far side
and finds the near one, where everything else runs, at the address in $NETLAB_NEAR.
"""

import os
import signal
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from . import trace as traces
from .lab import Lab, LabError, Readings
from .model import Conditions, Reading

MISCONFIGURED = 2

say = Console(stderr=True, highlight=False, soft_wrap=True).print
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def option(help_: str) -> Any:
    """An option with a value that has a unit."""
    return typer.Option(help=help_, show_default=False)


@app.command()
def main(
    command: Annotated[list[str], typer.Argument(help="What to run on the far side.")],
    rate: Annotated[str, option("Each way, such as 1mbit; headers count. Default: no limit.")] = "",
    delay: Annotated[str, option("Each way, such as 100ms.")] = "",
    jitter: Annotated[str, option("Up to this much more delay, such as 20ms.")] = "",
    loss: Annotated[str, option("Share of packets lost, such as 2%.")] = "",
    queue: Annotated[str, option("Longest wait in the drop-tail queue. Default: 500ms.")] = "",
    up_rate: Annotated[str, option("Of the direction from the far side only.")] = "",
    up_delay: Annotated[str, option("Likewise.")] = "",
    up_jitter: Annotated[str, option("Likewise.")] = "",
    up_loss: Annotated[str, option("Likewise.")] = "",
    up_queue: Annotated[str, option("Likewise.")] = "",
    trace: Annotated[
        Path | None,
        typer.Option(help="CSV of conditions, played again and again; tests/netlab/trace.py."),
    ] = None,
    once: Annotated[bool, typer.Option(help="Play the trace once, keep its last row.")] = False,
    congestion: Annotated[str | None, typer.Option(help="TCP's, such as cubic or bbr.")] = None,
    seed: Annotated[int, typer.Option(help="Decides which packets are lost.")] = 1,
) -> None:
    """Run a command in a network namespace behind a bad network."""
    both = _given(rate=rate, delay=delay, jitter=jitter, loss=loss, queue=queue)
    ours = _given(rate=up_rate, delay=up_delay, jitter=up_jitter, loss=up_loss, queue=up_queue)
    try:
        down = traces.change(Conditions(), both)
        up = traces.change(down, ours)
        steps = [traces.Step(1, down, up)]
        if trace:
            with trace.open() as lines:
                steps = traces.parse(lines, down, up)
        with Lab(congestion=congestion, seed=seed) as lab:
            lab.play(steps, again=bool(trace) and not once)
            status = _run(lab, command)
    except (ValueError, LabError, OSError) as error:
        say(f"netlab: {error}", markup=False)
        raise typer.Exit(MISCONFIGURED) from None
    raise typer.Exit(status)


def _given(**texts: str) -> dict[str, str]:
    return {name: text for name, text in texts.items() if text}


def _run(lab: Lab, command: list[str]) -> int:
    say(f"netlab: near is {lab.near}, far is {lab.far}")
    environment = {**os.environ, "NETLAB_NEAR": lab.near, "NETLAB_FAR": lab.far}
    before = lab.read()
    # Ctrl-C also goes to the command, which decides what it means.
    interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = lab.popen(
            command,
            env=environment,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        status = process.wait()
    finally:
        signal.signal(signal.SIGINT, interrupt)
    _report(before, lab.read())
    return 128 - status if status < 0 else status


def _report(before: Readings, after: Readings) -> None:
    for name, first, last in (("down", before.down, after.down), ("up", before.up, after.up)):
        say(f"netlab: {name}: {_line(first, last)}", markup=False)


def _line(before: Reading, after: Reading) -> str:
    return (
        f"{after.carried_packets} packets, {after.mbit_since(before):.3f} Mbit/s on average; "
        f"{after.lost_packets} lost, {after.overflow_packets} over the queue, "
        f"{after.cut_packets} at a cut; at most {after.late_ms:.1f} ms late"
    )


if __name__ == "__main__":
    app(prog_name="python -m netlab")
