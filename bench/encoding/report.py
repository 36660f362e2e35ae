"""Shows the rows of the studies as tables in Markdown."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_ABOUT = """# What libx264's settings cost and give

Written by `python -m bench.encoding`. Drawn 1080p desks, 30 pictures a second, two seconds each
(`bench/encoding/contents.py`); one process, libx264 from PyAV's wheel, two shared cores.

*CPU*: median and 95th percentile of the process's clock for a picture, all threads; *wall*: median
time until the unit is out. *Decode*: CPU of libavcodec for a unit, one thread. *Pictures*: how many
a second were encoded at all, since none is made before the link has carried enough. *Link*: from
when a picture is there until a link of this rate has carried its unit, 95th percentile and most.
*SSIM*: of luma, mean of blocks of 8 x 8, then of pictures, at the size that was encoded; *worst*:
of each picture's worst hundredth of blocks. The first IDR is told 100 ms of the rate. In the last
table *SSIM of what is seen* is of the whole desk in its own size, in what a viewer composes.
"""
_TITLES = {
    "presets": "Presets, one thread",
    "threads": "Slices and threads, ultrafast where nothing else is said",
    "tools": "Single tools, added to ultrafast where nothing else is said; one thread",
    "control": "Who keeps to the rate; ultrafast, one thread",
    "delay": "How many later pictures a unit waits for",
    "scrolling": "What finding a scroll pays; the encoder's schedule and builder, one thread",
}
_HEADINGS = {
    "content": "content", "kbps": "kbit/s", "rendition": "rendition", "variant": "variant",
    "cpu_ms": "CPU ms", "cpu_p95_ms": "95 %", "wall_ms": "wall ms", "decode_ms": "decode ms",
    "slices": "slices", "pictures_s": "pictures/s", "sent_kbps": "sent kbit/s",
    "link_p95_ms": "link ms 95 %", "link_max_ms": "most", "idr_bytes": "IDR bytes",
    "idr_ms": "IDR CPU ms", "idr_ssim": "IDR SSIM", "ssim": "SSIM", "worst_ssim": "worst",
    "unit_bytes": "median unit, bytes", "patches": "share of patches",
    "seen_ssim": "SSIM of what is seen",
    "pictures": "pictures", "ms_at_60": "ms at 60 a second",
}  # fmt: skip


def page(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the whole page."""
    parts = [_ABOUT]
    for study, title in _TITLES.items():
        some = [row for row in rows if row["study"] == study]
        if some:
            when = str(some[0]["at"])[:16].replace("T", " ")
            parts.append(f"## {title}\n\nMeasured {when} UTC.\n\n{table(some)}")
    return "\n".join(parts)


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the table of one study."""
    columns = [key for key in rows[0] if key in _HEADINGS]
    lines = [_line(_HEADINGS[key] for key in columns), _line("---" for _ in columns)]
    lines += [_line(_text(row.get(key)) for key in columns) for row in rows]
    return "".join(lines)


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |\n"
