"""Plots of the distributions of ages: a picture a load, a panel a link, a curve a system.

It needs matplotlib, which the `bench` extra brings.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

COLOURS = {"fanlight": "tab:blue", "selkies": "tab:orange", "vnc": "tab:green"}
DASHES = {"open": "-", "retry": "-", "fallback": "--"}


def draw(results: Sequence[Mapping[str, Any]], directory: Path, name: str) -> list[Path]:
    """Write `NAME-LOAD.svg` for each load that was measured, and return the files."""
    usable = [result for result in results if "percentiles_ms" in result]
    paths = []
    for load in dict.fromkeys(result["load"] for result in usable):
        path = directory / f"{name}-{load}.svg"
        _draw(load, [result for result in usable if result["load"] == load], path)
        paths.append(path)
    return paths


def _draw(load: str, results: Sequence[Mapping[str, Any]], path: Path) -> None:
    links = list(dict.fromkeys(result["link"] for result in results))
    figure, axes = plt.subplots(
        1,
        len(links),
        figsize=(1 + 2.6 * len(links), 3.4),
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    curves = {}
    for link, panel in zip(links, axes[0], strict=True):
        curves |= _panel(panel, link, [result for result in results if result["link"] == link])
    axes[0][0].set_ylabel("readings, %")
    figure.suptitle(f"Age of the painted picture, {load}")
    figure.legend(curves.values(), curves.keys(), loc="outside lower center", ncols=5, fontsize=8)
    # Without a date and with fixed ids, the same results always give the same file.
    with matplotlib.rc_context({"svg.hashsalt": "fanlight", "svg.fonttype": "none"}):
        figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def _panel(panel: Axes, link: str, results: Sequence[Mapping[str, Any]]) -> dict[str, Line2D]:
    """Draw one link, and return the curves by their labels."""
    curves = {}
    for result in results:
        mode, system = result["mode"], result["system"]
        label = system if mode == "open" else f"{system}, {mode}"
        ages = [max(1.0, age) for age in result["percentiles_ms"]]
        style, colour = DASHES[mode], COLOURS.get(system)
        (curves[label],) = panel.plot(ages, range(len(ages)), style, color=colour)
    panel.set_xscale("log")
    panel.set_xlim(10, 20_000)
    panel.axhline(95, color="grey", linewidth=0.5)
    panel.set_title(link, fontsize=9)
    panel.set_xlabel("ms")
    return curves
