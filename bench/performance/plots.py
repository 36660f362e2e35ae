"""Plots of the results: each figure against its target, and the distributions behind some.

It needs matplotlib, which the `bench` extra brings.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot as plt

from bench.performance.rows import FIGURES, Measured

FANLIGHT, LIMIT, TOO_MUCH = "tab:blue", "grey", "tab:red"


def draw(results: Sequence[Measured], directory: Path) -> list[Path]:
    """Write `performance-*.svg` of the results that there are, and return the files."""
    by_key = {result.key: result for result in results}
    paths = []
    targets = [by_key[key] for key, figure in FIGURES.items() if key in by_key and figure.at_most]
    if targets:
        paths.append(_targets(targets, directory / "performance-targets.svg"))
    if "unit" in by_key:
        details = by_key["unit"].details
        curves = {"fanlight": details["percentiles_ms"], "limit": details["limit_percentiles_ms"]}
        title = "Grab to unit, terminal printing"
        paths.append(_curves(title, curves, directory / "performance-unit.svg"))
    if "fanout-spread" in by_key:
        details = by_key["fanout-spread"].details
        curves = {
            "gateway": details["turns"][-1]["percentiles_ms"],
            "plain writes": details["limits"][-1]["percentiles_ms"],
        }
        title = "Last delivery of a unit after its first, 500 viewers"
        paths.append(_curves(title, curves, directory / "performance-fanout.svg"))
    if "memory" in by_key:
        samples = by_key["memory"].details["samples"]
        paths.append(_memory(samples, directory / "performance-memory.svg"))
    return paths


def _targets(results: Sequence[Measured], path: Path) -> Path:
    figure, panel = plt.subplots(figsize=(8, 0.6 + 0.3 * len(results)), layout="constrained")
    shares = [(result.counts or 0) / (FIGURES[result.key].at_most or 1) for result in results]
    colours = [FANLIGHT if share <= 1 else TOO_MUCH for share in shares]
    panel.barh(range(len(results)), [min(share, 4) for share in shares], color=colours)
    panel.set_yticks(range(len(results)), [FIGURES[r.key].label for r in results], fontsize=7)
    panel.invert_yaxis()
    panel.axvline(1, color="black", linewidth=0.8)
    panel.set_xlabel("share of what is allowed (cut off at 4)")
    return _save(figure, path)


def _curves(title: str, curves: dict[str, Sequence[float]], path: Path) -> Path:
    figure, panel = plt.subplots(figsize=(6, 3.2), layout="constrained")
    for name, values in curves.items():
        colour = LIMIT if name in ("limit", "plain writes") else FANLIGHT
        panel.plot(
            [max(0.1, value) for value in values], range(len(values)), label=name, color=colour
        )
    panel.set_xscale("log")
    panel.set_xlabel("ms")
    panel.set_ylabel("%")
    panel.set_title(title, fontsize=10)
    panel.legend(fontsize=8)
    return _save(figure, path)


def _memory(samples: Sequence[dict[str, Any]], path: Path) -> Path:
    figure, panel = plt.subplots(figsize=(6, 3.2), layout="constrained")
    names = [name for name in samples[-1] if name not in ("at_s", "rss", "total")]
    minutes = [sample["at_s"] / 60 for sample in samples]
    stacks = [[sample.get(name, 0) for sample in samples] for name in names]
    panel.stackplot(minutes, stacks, labels=names)
    panel.set_xlabel("minutes")
    panel.set_ylabel("PSS, MB")
    panel.legend(fontsize=7, ncols=3)
    return _save(figure, path)


def _save(figure: Any, path: Path) -> Path:
    # Without a date and with fixed ids, the same results always give the same file.
    with matplotlib.rc_context({"svg.hashsalt": "fanlight", "svg.fonttype": "none"}):
        figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
    return path
