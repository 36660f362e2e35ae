"""The figures of the table: what each is, how much is allowed, and how a result is shown. Pure."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure. `at_most` bounds the ratio to the limit if `of_ratio`, else the figure itself."""

    key: str
    label: str
    unit: str
    at_most: float | None = None
    of_ratio: bool = False
    places: int = 1


FIGURES: Mapping[str, Figure] = {
    figure.key: figure
    for figure in (
        Figure("unit", "grab to unit at a viewer, terminal printing, median", "ms", 1.25, True, 2),
        Figure("unit-h264", "the same, every picture as H.264", "ms", None, True, 2),
        Figure("cpu", "CPU of capture and encoder a picture, printing", "ms", 1.25, True, 2),
        Figure("cpu-h264", "the same, every picture as H.264", "ms", None, True, 2),
        Figure("typing", "CPU of capture and encoder a picture, typing", "ms", 0.35, True, 2),
        Figure("idle-cpu", "idle desk, one viewer: CPU of all services", "% of a core", 2.0),
        Figure("idle-traffic", "idle desk, one viewer: payload of TCP, both ways", "kbit/s", 5.0),
        Figure("idle-wire", "the same with the headers of IP and TCP", "kbit/s"),
        Figure("nobody-grabs", "no viewer: grabs in 10 s of typing", "", 0.0, False, 0),
        Figure("nobody-cpu", "no viewer: CPU of all services", "% of a core", 1.0),
        Figure("fanout-spread", "500 viewers: last delivery after the first, 95 %", "ms", 16.0),
        Figure("fanout-cpu", "500 viewers: CPU of a delivery", "us", 2.0, True),
        Figure("fanout-delivered", "500 viewers: deliveries of what was sent", "%"),
        Figure("screenshot-fresh", "screenshot 1080p JPEG, fresh, median", "ms", 15.0, False, 2),
        Figure("screenshot-cached", "screenshot, cached, median", "ms", 3.0, False, 2),
        Figure("screenshot-304", "screenshot, 304, median", "ms", 2.0, False, 2),
        Figure("polling", "100 pollers of one desk: encodes a picture", "", 1.0, False, 2),
        Figure("age-type", "age of the painted picture, typing, median", "ms", 1.0, True, 0),
        Figure("age-scroll", "age of the painted picture, printing, median", "ms", 1.0, True, 0),
        Figure("age-clip", "age of the painted picture, video clip, median", "ms", 1.0, True, 0),
        Figure("link-picture", "link to first painted picture", "ms", 300.0, False, 0),
        Figure("link-video", "link to first video picture", "ms", 800.0, False, 0),
        Figure("up-picture", "`fanlight up` to first painted picture", "ms", None, False, 0),
        Figure("memory", "memory of all services (PSS), one 1080p desk", "MB", 400.0, False, 0),
        Figure("memory-slope", "its growth", "MB an hour", None, False, 1),
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Measured:
    """The result of one figure: fanlight's value of each run, and the limit's between them."""

    key: str
    runs: Sequence[float]
    limits: Sequence[float] = ()
    limit_name: str = "limit"
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def value(self) -> float:
        """Return the median of the runs."""
        return statistics.median(self.runs)

    @property
    def limit(self) -> float | None:
        """Return the median of the limit's runs; None if there are none."""
        return statistics.median(self.limits) if self.limits else None

    @property
    def ratio(self) -> float | None:
        """Return the ratio of the two medians; None if there is no limit."""
        return self.value / self.limit if self.limit else None

    @property
    def counts(self) -> float | None:
        """Return what the target bounds: the ratio or the value."""
        return self.ratio if FIGURES[self.key].of_ratio else self.value

    @property
    def met(self) -> bool | None:
        """Return whether the target is met; None without a target, or anything to compare with."""
        target, counts = FIGURES[self.key].at_most, self.counts
        return None if target is None or counts is None else counts <= target

    def as_dict(self) -> dict[str, Any]:
        """Return the result as a line of JSON has it."""
        figure = FIGURES[self.key]
        return {
            "figure": self.key,
            "label": figure.label,
            "unit": figure.unit,
            "value": self.value,
            "runs": list(self.runs),
            "limit": self.limit,
            "limit_runs": list(self.limits),
            "limit_name": self.limit_name,
            "ratio": self.ratio,
            "at_most": figure.at_most,
            "at_most_of": "ratio" if figure.of_ratio else "value",
            "met": self.met,
            "details": dict(self.details),
        }


def measured(line: Mapping[str, Any]) -> Measured:
    """Return the result that a line of JSON has. Raises KeyError."""
    return Measured(
        line["figure"], line["runs"], line["limit_runs"], line["limit_name"], line["details"]
    )


def table(results: Iterable[Measured]) -> str:
    """Return Markdown in the order of FIGURES, in bold if the target is met."""
    by_key = {result.key: result for result in results}
    lines = ["| what | fanlight | limit | ratio | at most |", "|---" * 5 + "|"]
    for key, figure in FIGURES.items():
        result = by_key.get(key)
        if result is None:
            continue
        limit = _spread(result.limits, figure)
        if limit and result.limit_name != "limit":
            limit += f" ({result.limit_name})"
        ratio = "" if result.ratio is None else f"{result.ratio:.2f}"
        value = _spread(result.runs, figure)
        if result.met:
            value, ratio = (value, f"**{ratio}**") if figure.of_ratio else (f"**{value}**", ratio)
        lines.append(f"| {figure.label} | {value} | {limit} | {ratio} | {_target(figure)} |")
    return "\n".join(lines) + "\n"


def line(result: Measured) -> str:
    """Return a result in one line, for whoever waits for it."""
    figure = FIGURES[result.key]
    limit = f", {result.limit_name} {_spread(result.limits, figure)}" if result.limits else ""
    ratio = f", ratio {result.ratio:.2f}" if result.ratio is not None else ""
    met = {True: " (met)", False: " (NOT met)", None: ""}[result.met]
    target = f", at most {_target(figure)}{met}" if figure.at_most is not None else ""
    return f"{figure.label}: {_spread(result.runs, figure)}{limit}{ratio}{target}"


def _target(figure: Figure) -> str:
    if figure.at_most is None:
        return ""
    if figure.of_ratio:
        return f"{figure.at_most:g} x"
    return f"{figure.at_most:g} {figure.unit}".strip()


def _spread(values: Sequence[float], figure: Figure) -> str:
    """Return the median and, in brackets, the least and the most."""
    if not values:
        return ""
    text = f"{statistics.median(values):.{figure.places}f}"
    if len(values) > 1:
        text += f" ({min(values):.{figure.places}f} to {max(values):.{figure.places}f})"
    return f"{text} {figure.unit}".strip()
