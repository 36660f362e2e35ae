"""The table of what fanlight has to beat: rows, columns, figures, and how a result is shown. Pure.

The figures are ages of the painted picture: 95th percentiles in ms, with 30 clock marks a second
and a queue of 500 ms.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.links import Link

COLUMNS: Mapping[str, str] = {"type": "typing", "scroll": "terminal printing", "clip": "video clip"}


@dataclass(frozen=True, slots=True)
class Row:
    """A link, what is done before it is measured, and the figures (ms) to beat in each column."""

    key: str
    link: Link
    mode: str = "open"
    to_beat_ms: tuple[int, int, int] | None = None

    @property
    def label(self) -> str:
        """Return the row's name in the table."""
        done = {"open": "", "retry": ", after a click on retry", "fallback": ", as it falls back"}
        return f"{self.link}{done[self.mode]}"

    def beat_ms(self, load: str) -> int | None:
        """Return the figure to beat for one load, in ms; None if there is none."""
        if self.to_beat_ms is None or load not in COLUMNS:
            return None
        return self.to_beat_ms[list(COLUMNS).index(load)]


LOCAL, FIVE, TWO = Link(), Link(5, 60), Link(2, 100)
ONE, HALF = Link(1, 200), Link(0.5, 200)

FANLIGHT_ROWS = (
    Row("none", LOCAL, "open", (39, 38, 62)),
    Row("5", FIVE, "open", (73, 79, 327)),
    Row("2", TWO, "open", (90, 143, 546)),
    Row("1-retry", ONE, "retry", (138, 399, 900)),
    Row("0.5-retry", HALF, "retry", (140, 840, 1000)),
    Row("1-fallback", ONE, "fallback", (350, 600, 1000)),
    Row("0.5-fallback", HALF, "fallback", (400, 900, 1000)),
)
PEER_ROWS = (
    Row("none", LOCAL),
    Row("5", FIVE),
    Row("2", TWO),
    Row("1", ONE),
    Row("0.5", HALF),
)


_LINKS = [row.key for row in PEER_ROWS]


def rows(system: str) -> tuple[Row, ...]:
    """Return the rows of a system. Only fanlight falls back and has a button to retry."""
    return FANLIGHT_ROWS if system == "fanlight" else PEER_ROWS


def place(result: Mapping[str, Any]) -> tuple[int, ...]:
    """Return a sort key that puts results into the order of the table."""
    keys = [row.key for row in (*FANLIGHT_ROWS, *PEER_ROWS)]
    link, loads, load = result["row"].partition("-")[0], list(COLUMNS), result["load"]
    column = loads.index(load) if load in loads else len(loads)
    return _LINKS.index(link), column, keys.index(result["row"])


def kept_its_mode(result: Mapping[str, Any]) -> bool:
    """Return whether the viewer was in the row's mode all the time."""
    states = set(result.get("states", {})) - {"?"}
    wanted = {"retry": "video", "fallback": "locked"}.get(result.get("mode", ""))
    return not states or wanted is None or states == {wanted}


def cell(row: Row, load: str, results: Sequence[Mapping[str, Any]]) -> str:
    """Return the worst run's 95th percentile, in bold if it beats the figure to beat."""
    if not results:
        return ""
    errors = [result["error"] for result in results if "error" in result]
    if errors:
        return f"failed: {errors[0]}"
    p95 = max(result["p95_ms"] for result in results)
    beat = row.beat_ms(load)
    text = f"{p95:.0f}"
    if beat is not None:
        text = f"**{text}** (< {beat})" if p95 < beat else f"{text} (not < {beat})"
    strays = [result for result in results if not kept_its_mode(result)]
    if strays:
        states = ", ".join(f"{name} {count}" for name, count in strays[0]["states"].items())
        text += f" [{states}]"
    return text


def table(system: str, results: Iterable[Mapping[str, Any]]) -> str:
    """Return one system's table as Markdown, without the rows that have no result."""
    mine = [result for result in results if result["system"] == system]
    loads = list(COLUMNS)
    loads += sorted({result["load"] for result in mine} - set(loads))
    loads = [load for load in loads if any(result["load"] == load for result in mine)]
    lines = [
        f"| {system} | " + " | ".join(COLUMNS.get(load, load) for load in loads) + " |",
        "|---" * (len(loads) + 1) + "|",
    ]
    for row in rows(system):
        here = [result for result in mine if result["row"] == row.key]
        if here:
            cells = [cell(row, load, [r for r in here if r["load"] == load]) for load in loads]
            lines.append(f"| {row.label} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def costs(results: Iterable[Mapping[str, Any]]) -> str:
    """Return the other figures as Markdown, a line for each run."""
    lines = [
        "| system | link | load | median | 95 % | 99 % | max ms | pictures/s | Mbit/s | CPU % |",
        "|---" * 10 + "|",
    ]
    for result in results:
        if "error" in result:
            continue
        link = result["link"] + {"open": ""}.get(result["mode"], f" ({result['mode']})")
        ages = " | ".join(f"{result[k]:.0f}" for k in ("median_ms", "p95_ms", "p99_ms", "max_ms"))
        pictures = result.get("painted_per_s", result["pictures_per_s"])
        mbit = result.get("mbit_per_s", "")
        cost = result["cpu_percent_total"]
        lines.append(
            f"| {result['system']} | {link} | {result['load']} | {ages} "
            f"| {pictures} | {mbit} | {cost} |"
        )
    return "\n".join(lines)
