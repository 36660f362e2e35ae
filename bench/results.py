"""Where results are kept: JSON lines, and from them a table and plots under `bench/results/`."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import table
from bench.processes import ROOT

DIRECTORY = ROOT / "bench" / "results"


class Results:
    """The results of one command, each on disk as soon as it is there.

    A run of the whole begins anew; one of a part (`keep`) replaces only what it measures again.
    """

    def __init__(self, path: Path, *, keep: bool) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._old = load(path) if keep and path.exists() else []
        self._new: list[dict[str, Any]] = []
        self._write()

    @property
    def all(self) -> list[dict[str, Any]]:
        """Old ones that were not measured again, and new ones."""
        measured = {_key(result) for result in self._new}
        return [r for r in self._old if _key(r) not in measured] + self._new

    def add(self, result: dict[str, Any]) -> None:
        """One more."""
        self._new.append({"at": datetime.now(UTC).isoformat(timespec="seconds"), **result})
        self._write()

    def _write(self) -> None:
        self._path.write_text("".join(json.dumps(result) + "\n" for result in self.all))


def load(path: Path) -> list[dict[str, Any]]:
    """The results of a file."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def report(results: Sequence[dict[str, Any]], products: Iterable[str]) -> str:
    """Markdown: a table a system, and all other figures."""
    parts = [
        "Age of the painted picture, 95th percentile, ms.",
        *(table.table(product, results) for product in products),
        table.costs(results),
    ]
    return "\n\n".join(parts) + "\n"


def _key(result: dict[str, Any]) -> tuple[str, ...]:
    return result["product"], result["row"], result["load"]
