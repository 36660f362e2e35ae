"""Keeps results as JSON lines under `bench/results/`, and makes a report of them."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import table
from bench.processes import ROOT

DIRECTORY = ROOT / "bench" / "results"


class Results:
    """The results of one command. Each is on disk as soon as it is measured.

    It replaces what an earlier command measured of the same cell. A cell that one command measures
    more than once keeps all of its runs.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._old = load(path) if path.exists() else []
        self._new: list[dict[str, Any]] = []

    @property
    def all(self) -> list[dict[str, Any]]:
        """Return new results, and old ones that were not measured again, in the table's order."""
        measured = {_key(result) for result in self._new}
        kept = [result for result in self._old if _key(result) not in measured]
        return sorted(kept + self._new, key=table.place)

    def add(self, result: dict[str, Any]) -> None:
        """Add a result, and write the file."""
        self._new.append({"at": datetime.now(UTC).isoformat(timespec="seconds"), **result})
        self._write()

    def _write(self) -> None:
        self._path.write_text("".join(json.dumps(result) + "\n" for result in self.all))


def load(path: Path) -> list[dict[str, Any]]:
    """Return the results of a file."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def report(results: Sequence[dict[str, Any]], systems: Iterable[str]) -> str:
    """Return Markdown: a table for each system, and all other figures."""
    measured = [name for name in systems if any(result["system"] == name for result in results)]
    parts = [
        "Age of the painted picture, 95th percentile, ms.",
        *(table.table(system, results) for system in measured),
        table.costs(results),
    ]
    return "\n\n".join(parts) + "\n"


def _key(result: dict[str, Any]) -> tuple[str, ...]:
    return result["system"], result["row"], result["load"]
