"""The bench of encoding: its desks, its arithmetic, and a short run. No time is asserted."""

import itertools
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.encoding import pictures, report
from bench.encoding.contents import CONTENTS, SIZE
from bench.encoding.likeness import ssim
from bench.encoding.studies import DELAYS, STUDIES, TOOLS, delay
from bench.encoding.trial import Rate, Trial, Variant, converted
from bench.processes import ROOT, module
from fanlight_common.core.geometry import Size
from fanlight_common.core.names import Rendition

SMALL = Size(640, 480)


@pytest.mark.parametrize("name", CONTENTS)
def test_a_desk_changes_only_where_it_says_so_and_always_in_the_same_way(name: str) -> None:
    first = [(p.copy(), box) for p, box in itertools.islice(CONTENTS[name](SMALL), 20)]
    again = [p.copy() for p, _ in itertools.islice(CONTENTS[name](SMALL), 20)]
    assert all((a == b).all() for (a, _), b in zip(first, again, strict=True))
    assert any((a != b).any() for (a, _), (b, _) in itertools.pairwise(first))
    for (before, _), (after, box) in itertools.pairwise(first):
        changed = (before != after).any(axis=2)
        changed[box.y : box.y + box.height, box.x : box.x + box.width] = False
        assert not changed.any()


def test_likeness_is_1_of_the_same_and_less_of_what_is_blurry() -> None:
    letters = np.asarray(Image.effect_noise((64, 64), 60))
    blurry = np.asarray(Image.fromarray(letters).reduce(2).resize((64, 64)))
    assert ssim(letters, letters) == pytest.approx(1)
    assert ssim(letters, blurry).mean() < 0.8
    half = letters.copy()
    half[:32] = blurry[:32]
    assert (ssim(letters, half) > 0.99).mean() == 0.5


def test_what_is_sent_keeps_to_the_rate_and_takes_the_link_no_longer_than_is_said() -> None:
    shown = converted(itertools.islice(CONTENTS["game"](SMALL), 30), SMALL, Rendition.HIGH)
    trial = Trial(Variant("ultrafast"), Rate(500), SMALL)
    for picture in shown:
        trial.offer(picture)
    row = trial.row()
    # The least is a byte for each 500 pixels: 614 bytes, which are 100 ms of the rate at first.
    assert row["sent_kbps"] <= 500
    assert row["pictures_s"] == 30
    assert row["slices"] == 1
    assert 0 < row["link_p95_ms"] <= row["link_max_ms"] <= 200
    assert 0 < row["ssim"] < 1


def test_units_do_not_wait_for_later_pictures_as_the_encoder_opens_libx264() -> None:
    rows = list(delay(short=False))
    assert [row["variant"] for row in rows] == [name for name, _, _ in DELAYS]
    assert [row["pictures"] for row in rows[:2]] == [0, 0]
    assert all(row["pictures"] > 0 for row in rows[2:])


def test_each_variant_has_a_name_of_its_own() -> None:
    assert len({variant.name for variant in TOOLS}) == len(TOOLS)


def test_the_page_has_a_table_of_each_study() -> None:
    rows = [
        {"study": study, "at": "2026-01-01T00:00", "variant": "x", "ssim": 1} for study in STUDIES
    ]
    page = report.page(rows)
    assert page.count("| x | 1 |") == len(STUDIES)
    assert page.count("\n## ") == len(STUDIES)


def test_what_was_measured_is_there_for_each_study() -> None:
    lines = (ROOT / "bench" / "results" / "encoding.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert {row["study"] for row in rows} == set(STUDIES)
    assert (ROOT / "bench" / "results" / "encoding.md").read_text() == report.page(rows)


@pytest.mark.bench
@pytest.mark.processes
def test_the_bench_works(tmp_path: Path) -> None:
    before = sorted((ROOT / "bench" / "results").glob("encoding.*"))
    times = [path.stat().st_mtime_ns for path in before]
    ran = subprocess.run(
        module("bench.encoding", "--short"), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert [json.loads(line)["study"] for line in ran.stdout.splitlines()] == list(STUDIES)
    assert [path.stat().st_mtime_ns for path in before] == times


def test_pictures_are_of_the_page_and_end_sharp(tmp_path: Path) -> None:
    (path,) = pictures.draw(tmp_path, short=True)
    with Image.open(path) as image:
        assert image.width > 1000
    seen = pictures.watch(1000, pictures.variants(1000)["as it is set"])
    left, top, right, bottom = pictures.CUT_OUT
    page = pictures.bgrx(pictures.text_page(SIZE, 1))[top:bottom, left:right, 2::-1]
    assert (seen[-1].shown == page).all()
    assert (seen[0].shown != page).any()
    assert len(seen) == 2 + len(pictures.MOMENTS_S)
