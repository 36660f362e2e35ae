"""Conditions over time: steps that are played one after the other, and the file they stand in.

A trace is CSV with a header line. `seconds` says how long a row holds; the other columns are
`rate`, `delay`, `jitter`, `loss`, `queue` (with units, see units.py) and `cut` (yes or no), for
both directions, or with `up_` in front for the direction from far to near only. An empty cell
leaves what the row before had. Lines that begin with # are comments.

    seconds,rate,delay,loss
    20,10mbit,20ms,0%
    20,500kbit,150ms,2%
"""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain, repeat

from . import units
from .model import Conditions


@dataclass(frozen=True, slots=True)
class Step:
    """The conditions of both directions for some seconds."""

    seconds: float
    down: Conditions
    """From near to far, which is what a viewer on the far side downloads."""
    up: Conditions
    """From far to near."""

    def __post_init__(self) -> None:
        if not self.seconds > 0:
            raise ValueError(f"seconds is {self.seconds}, not above 0")


def timeline(steps: Iterable[Step], start: float, *, again: bool) -> Iterator[tuple[float, Step]]:
    """Yield when each step begins, and the step; without end if it is played again and again."""
    steps = list(steps)
    rounds = repeat(steps) if again and steps else [steps]
    for step in chain.from_iterable(rounds):
        yield start, step
        start += step.seconds


def parse(lines: Iterable[str], down: Conditions, up: Conditions) -> list[Step]:
    """Return the steps of a file, which starts from these conditions.

    Raises ValueError, which names the line that is wrong.
    """
    wanted = (line for line in lines if line.strip() and not line.startswith("#"))
    steps = []
    for number, row in enumerate(csv.DictReader(wanted, skipinitialspace=True), 1):
        try:
            cells = {name: cell.strip() for name, cell in row.items() if cell and cell.strip()}
            seconds = float(cells.pop("seconds"))
            ours = {name: text for name, text in cells.items() if not name.startswith("up_")}
            theirs = {name.removeprefix("up_"): cells[name] for name in cells.keys() - ours.keys()}
            down = change(down, ours)
            up = change(up, ours | theirs)
            steps.append(Step(seconds, down, up))
        except KeyError as error:
            raise ValueError(f"row {number} of the trace has no {error}") from None
        except (ValueError, AttributeError) as error:
            raise ValueError(f"row {number} of the trace: {error}") from None
    if not steps:
        raise ValueError("the trace has no rows")
    return steps


def change(conditions: Conditions, texts: Mapping[str, str]) -> Conditions:
    """Return `conditions` with the named ones as written: `{"rate": "1mbit", "loss": "2%"}`.

    Raises ValueError.
    """
    changes = {}
    for name, text in texts.items():
        if name not in units.FIELDS:
            raise ValueError(f"'{name}' is none of {', '.join(units.FIELDS)}")
        field, parse_one = units.FIELDS[name]
        changes[field] = parse_one(text)
    return replace(conditions, **changes)
