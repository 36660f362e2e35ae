"""Plots of what grows with the number of desks. It needs matplotlib (the `bench` extra)."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from bench.scale.report import KINDS

DASHES = {"ipc": "-", "tcp": "--"}
COLOURS = dict(zip(KINDS, ("tab:orange", "tab:blue", "tab:green", "tab:grey"), strict=True))
Result = Mapping[str, Any]


def draw(results: Sequence[Result], directory: Path) -> list[Path]:
    """Write the plots of the results that there are, and return the files."""
    paths = []
    desks = [result for result in results if result["part"] == "desks"]
    if desks:
        path = directory / "scale-desks.svg"
        _save(path, "50 desks, step by step" if desks[-1]["desks"] == 50 else "Desks", 4, desks, [
            ("CPU, % of a core", lambda panel: _kinds(panel, desks, "cpu_percent")),
            ("CPU before anybody watches", lambda panel: _kinds(panel, desks, "idle_cpu_percent")),
            ("memory (PSS), MiB", lambda panel: _kinds(panel, desks, "pss_mib")),
            ("age of the picture, ms", lambda panel: _ages(panel, desks)),
        ])  # fmt: skip
        paths.append(path)
    beats = [result for result in results if result["part"] == "heartbeats"]
    if beats:
        path = directory / "scale-directory.svg"
        _save(path, "The directory", 1, beats, [
            ("CPU, % of a core", lambda panel: _beats(panel, beats)),
        ])  # fmt: skip
        paths.append(path)
    return paths


def _save(
    path: Path,
    title: str,
    panels: int,
    results: Sequence[Result],
    drawings: Sequence[tuple[str, Callable[[Axes], None]]],
) -> None:
    figure, axes = plt.subplots(
        1, panels, figsize=(0.6 + 3.1 * panels, 3.4), squeeze=False, layout="constrained"
    )
    for (name, drawing), panel in zip(drawings, axes[0], strict=True):
        drawing(panel)
        panel.set_title(name, fontsize=9)
        panel.set_ylim(bottom=0)
        panel.set_xlim(left=0)
        panel.legend(fontsize=7)
        panel.grid(linewidth=0.3)
    figure.suptitle(title)
    # Without a date and with fixed ids, the same results always give the same file.
    with matplotlib.rc_context({"svg.hashsalt": "fanlight", "svg.fonttype": "none"}):
        figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def _kinds(panel: Axes, results: Sequence[Result], key: str) -> None:
    for bus in dict.fromkeys(result["bus"] for result in results):
        steps = [result for result in results if result["bus"] == bus]
        for kind in KINDS:
            label = kind if bus == "ipc" else f"{kind}, {bus}"
            panel.plot(
                [step["desks"] for step in steps],
                [step[key][kind] for step in steps],
                DASHES[bus],
                marker=".",
                color=COLOURS[kind],
                label=label,
            )
    panel.set_xlabel("desks")


def _ages(panel: Axes, results: Sequence[Result]) -> None:
    for bus in dict.fromkeys(result["bus"] for result in results):
        steps = [result for result in results if result["bus"] == bus]
        for name, colour in (("median", "tab:blue"), ("p95", "tab:orange"), ("p99", "tab:red")):
            panel.plot(
                [step["desks"] for step in steps],
                [step["age_ms"][name] for step in steps],
                DASHES[bus],
                marker=".",
                color=colour,
                label=name if bus == "ipc" else f"{name}, {bus}",
            )
    panel.set_xlabel("desks")


def _beats(panel: Axes, results: Sequence[Result]) -> None:
    panel.plot(
        [result["heartbeats_per_s"] for result in results],
        [result["cpu_percent"] for result in results],
        marker=".",
        label="directory",
    )
    panel.set_xlabel("heartbeats a second")
