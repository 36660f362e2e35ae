"""Plots are files, and the same results always give the same files."""

from pathlib import Path

from bench import plots


def test_one_file_a_load(tmp_path: Path) -> None:
    result = {
        "system": "fanlight", "load": "type", "link": "none (local)", "mode": "open",
        "percentiles_ms": list(range(101)),
    }  # fmt: skip
    results = [result, {**result, "load": "clip"}, {"load": "clip", "error": "no clock"}]
    paths = plots.draw(results, tmp_path, "age")
    assert [path.name for path in paths] == ["age-type.svg", "age-clip.svg"]
    before = paths[0].read_bytes()
    plots.draw(results, tmp_path, "age")
    assert paths[0].read_bytes() == before
    assert len(before) < 60_000
