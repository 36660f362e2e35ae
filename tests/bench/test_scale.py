"""The bench of scale: what counts as delivered, the tables, and a short run."""

import json
import subprocess
from pathlib import Path

import pytest

from bench.processes import ROOT, module
from bench.scale import plots, report
from bench.scale.viewers import Seen, delivered, ends


def seen(*sequences: int, epoch: int = 7) -> Seen:
    return Seen({("high", epoch): list(sequences)}, now=("high", epoch))


def counted(desks: dict[str, list[Seen]]) -> dict[str, int]:
    return delivered(desks, ends(desks))


def test_of_a_rendition_that_a_viewer_left_nothing_more_is_due_to_it() -> None:
    moved = Seen({("high", 7): [1, 2], ("low", 9): [5, 6]}, now=("low", 9))
    assert counted({"a": [moved, seen(1, 2, 3, 4)]}) == {
        "units_due": 8, "units_delivered": 8, "gaps": 0,
    }  # fmt: skip


def test_what_comes_after_the_end_does_not_count() -> None:
    desks = {"a": [seen(1, 2), seen(1)]}
    until = ends(desks)
    desks["a"][0].units["high", 7].append(3)
    desks["a"][1].units["high", 7].append(2)
    assert delivered(desks, until) == {"units_due": 4, "units_delivered": 4, "gaps": 0}


def test_due_is_what_anybody_saw_since_ones_own_first_unit() -> None:
    assert counted({"a": [seen(5, 6, 7), seen(6, 7)]}) == {
        "units_due": 5, "units_delivered": 5, "gaps": 0,
    }  # fmt: skip
    # One unit is lost in the middle, and one viewer gets nothing more.
    assert counted({"a": [seen(1, 2, 4), seen(1)]}) == {
        "units_due": 8, "units_delivered": 4, "gaps": 1,
    }  # fmt: skip
    # Sequences of different epochs or desks are not compared.
    assert counted({"a": [seen(1, 2)], "b": [seen(9, epoch=8)]}) == {
        "units_due": 3, "units_delivered": 3, "gaps": 0,
    }  # fmt: skip


@pytest.mark.bench
@pytest.mark.processes
def test_all_of_it_works_in_short(tmp_path: Path) -> None:
    ran = subprocess.run(
        module("bench.scale", "--short"), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    results = [json.loads(line) for line in ran.stdout.splitlines()]
    desks = [result for result in results if result["part"] == "desks"]
    assert [(result["desks"], result["viewers"]) for result in desks] == [(1, 2), (3, 6)]
    for result in desks:
        assert 0 < result["units_delivered"] <= result["units_due"]
        assert result["closed"] == 0
        assert sum(result["streams_by_encoder"]) == result["desks"]
        assert all(mib > 0 for mib in result["pss_mib"].values())
    (heartbeats,) = [result for result in results if result["part"] == "heartbeats"]
    assert heartbeats["heartbeats_per_s"] > 0
    (simulation,) = [result for result in results if result["part"] == "simulation"]
    assert simulation["violations"] == []
    assert simulation["broken_at_end"] == 0
    text = report.report(results)
    assert text.count("## ") == 4
    for line in text.splitlines():  # each table has all of its columns
        assert not line.startswith("|") or line.count("|") > 2
    paths = plots.draw(results, tmp_path)
    assert [path.name for path in paths] == ["scale-desks.svg", "scale-directory.svg"]
    before = paths[0].read_bytes()
    plots.draw(results, tmp_path)
    assert paths[0].read_bytes() == before
