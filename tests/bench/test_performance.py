"""The performance table: its arithmetic, its parts, and a short run. No time is asserted."""

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import limit
from bench.performance import __main__ as main
from bench.performance import (
    fanout,
    lasting,
    pictures,
    plots,
    profile,
    rows,
    stack,
    usage,
)
from bench.performance.programs import viewers
from bench.performance.programs.viewers import Arrival
from bench.performance.rows import Measured
from bench.processes import ROOT, module
from fanlight_common.core.geometry import Size
from fanlight_common.protocol.binary import Ack, VideoUnit


def test_a_ratio_is_of_the_medians() -> None:
    result = Measured("unit", [10.0, 30.0, 11.0], [10.0, 9.0, 50.0])
    assert (result.value, result.limit, result.ratio, result.met) == (11, 10, 1.1, True)
    assert not Measured("unit", [13.0], [10.0]).met
    assert Measured("unit", [13.0]).met is None
    assert Measured("memory", [399.0]).met
    assert not Measured("memory", [401.0]).met


def test_a_line_of_json_is_the_measurement_again() -> None:
    result = Measured("unit", [1.0, 2.0], [3.0], "other", {"a": 1})
    assert rows.measured(json.loads(json.dumps(result.as_dict()))) == result


def test_the_table_shows_spread_limit_and_target() -> None:
    text = rows.table([Measured("memory", [450.0]), Measured("unit", [10.0, 12.0, 11.0], [10.0])])
    assert text.splitlines()[2:] == [
        "| grab to unit at a viewer, terminal printing, median "
        "| 11.00 (10.00 to 12.00) ms | 10.00 ms | **1.10** | 1.25 x |",
        "| memory of all services (PSS), one 1080p desk | 450 MB |  |  | 400 MB |",
    ]


def test_the_table_has_a_place_in_the_page() -> None:
    page = (ROOT / "docs" / "performance.md").read_text()
    once = main.with_table(page, "| a |\n")
    assert "\n\n| a |\n\n" in once
    assert main.with_table(once, "| a |\n") == once
    with pytest.raises(ValueError, match="no place"):
        main.with_table("nothing", "")


def test_every_target_of_the_issue_has_a_row() -> None:
    targets = {key: figure.at_most for key, figure in rows.FIGURES.items() if figure.at_most}
    assert len(targets) >= 16
    assert targets["unit"] == targets["cpu"] == 1.25
    assert targets["typing"] == 0.35


def test_what_shows_nothing_new_is_no_picture() -> None:
    labels = [1_000_000, 1_000_001, 1_016_000, 1_016_001, 1_016_002, 1_050_000]
    units = [Arrival(i, label, 10, 0, label, label) for i, label in enumerate(labels)]
    assert [unit.captured_us for unit in pictures.fresh(units)] == [1_000_000, 1_016_000, 1_050_000]


def test_messages_of_a_server_in_pieces() -> None:
    unit = VideoUnit(True, 64, 32, 1, 1, 5, bytes(300)).encode()
    sent = limit.framed(1, 20_000) + bytes((0x82, 2)) + b"ab"
    sent += bytes((0x82, 126)) + len(unit).to_bytes(2, "big") + unit
    sent += bytes((0x82, 127)) + (70_000).to_bytes(8, "big") + bytes(70_000)
    whole, used = viewers.messages(bytearray(sent))
    assert used == len(sent)
    assert [len(payload) for _, payload in whole] == [20_000, 2, len(unit), 70_000]
    assert bytes(whole[2][1]) == unit
    left, seen = bytearray(), []
    for at in range(0, len(sent), 7):
        left += sent[at : at + 7]
        found, used = viewers.messages(left)
        seen += [(opcode, bytes(payload)) for opcode, payload in found]
        for _, payload in found:
            payload.release()
        found.clear()
        del left[:used]
    assert seen == [(opcode, bytes(payload)) for opcode, payload in whole]


def test_a_client_masks_and_a_unit_of_the_limit_is_a_unit() -> None:
    message = viewers.masked(2, Ack(1, 2, 3, 4).encode())
    assert message[:6] == bytes((0x82, 0x80 | 16, 0, 0, 0, 0))
    assert viewers.masked(1, bytes(200))[:4] == bytes((0x81, 0xFE, 0, 200))
    framed = limit.framed(7, 20_000)
    unit = VideoUnit.decode(framed[4:])
    assert (len(framed), unit.sequence, unit.idr) == (20_004, 7, False)


def _pixels(plane: Any) -> "np.ndarray[Any, np.dtype[np.uint8]]":
    return np.frombuffer(plane, np.uint8).reshape(plane.height, -1)[:, : plane.width]


def test_the_limit_converts_as_the_encoder_does() -> None:
    from fanlight_encoder.units.convert import Converter

    size = Size(320, 200)
    noise = np.random.default_rng(1).integers(0, 256, 4 * 320 * 200 + 64, np.uint8)
    pixels = memoryview(noise.tobytes())
    ours = limit.Convert().picture(pixels, size)
    theirs = Converter().convert(pixels, size, 4 * 320, size)
    for mine, other in zip(ours.planes, theirs.planes, strict=True):
        np.testing.assert_array_equal(_pixels(mine), _pixels(other))


def test_cpu_of_processes_grows_with_work() -> None:
    with subprocess.Popen(["sh", "-c", "while :; do :; done"]) as busy:
        try:
            before = usage.cpu_s([busy.pid])
            while usage.cpu_s([busy.pid]) < before + 0.02:
                pass
        finally:
            busy.kill()


def test_traffic_is_that_of_connections_that_last() -> None:
    line = (
        "0 0 127.0.0.1:8080 127.0.0.1:{peer} cubic bytes_sent:{sent} bytes_acked:1 "
        "bytes_received:{received} segs_out:{out} segs_in:{come}"
    )
    values = [(1, 100, 50, 3, 4), (1, 350, 60, 5, 7), (2, 10, 0, 1, 2)]
    names = ("peer", "sent", "received", "out", "come")
    parsed = [usage._connection(line.format(**dict(zip(names, v, strict=True)))) for v in values]
    gone = ("127.0.0.1:3", usage.Traffic(10_000, 20_000))
    grown = usage.carried(dict([parsed[0], gone]), dict(parsed[1:]))
    assert grown == usage.Traffic(260 + 10, 260 + 10 + 52 * (2 + 3 + 1 + 2))


def test_samples_become_a_table() -> None:
    text = (
        "main (a/b.py:1);work (lib/c.py:2) 30\nmain (a/b.py:9);work (lib/c.py:7) 20\n"
        "main (a/b.py:9);Runner.run (asyncio/runners.py:118) 500\n"
    )
    found = profile.table(profile.parse(text), 1.0, 25.0)
    assert "| `work (lib/c.py)` | 20.0 | 20.0 |" in found
    assert "25.0 % of a core by its clock, 20.0 %" in found
    assert "Runner" not in found


def test_what_did_not_come_counts_against_the_fan_out() -> None:
    units = [Arrival(n, n, 20_000, 0, 0, 1000 * n, 10) for n in (1, 2, 4)]
    units.append(Arrival(5, 5, 20_000, 0, 0, 9000, 5))
    found = fanout.figures_of(stack.Watched(tuple(units), 2.0, {"server": 0.7, "viewers": 0.1}), 10)
    assert found["delivered_percent"] == 70
    assert found["whole_percent"] == 60
    assert found["cpu_us"] == pytest.approx(20_000)
    assert found["spread_p95_ms"] == 2000
    assert found["spread_median_ms"] == 4


def test_growth_is_an_hour() -> None:
    assert lasting.slope([0.0, 0.5, 1.0], [100.0, 105.0, 110.0]) == pytest.approx(10)


def test_plots_are_files_and_the_same_for_the_same_results(tmp_path: Path) -> None:
    curve = list(range(101))
    samples = [
        {"at_s": i, "encoder": 50.0, "gateway": 60.0, "rss": 200, "total": 110} for i in (0, 9)
    ]
    results = [
        Measured(
            "unit",
            [2.0],
            [1.0],
            details={"percentiles_ms": curve, "limit_percentiles_ms": curve},
        ),
        Measured(
            "fanout-spread",
            [9.0],
            [5.0],
            details={"turns": [{"percentiles_ms": curve}], "limits": [{"percentiles_ms": curve}]},
        ),
        Measured("memory", [110.0], details={"samples": samples}),
    ]
    paths = plots.draw(results, tmp_path)
    assert [path.stem for path in paths] == [
        f"performance-{name}" for name in ("targets", "unit", "fanout", "memory")
    ]
    before = [path.read_bytes() for path in paths]
    assert [path.read_bytes() for path in plots.draw(results, tmp_path)] == before
    assert max(map(len, before)) < 60_000


@pytest.mark.bench
@pytest.mark.x11
@pytest.mark.browser
@pytest.mark.processes
@pytest.mark.timeout(600)
def test_every_part_works() -> None:
    ran = subprocess.run(
        module("bench.performance", "--short"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    found = {line["figure"]: line for line in map(json.loads, ran.stdout.splitlines())}
    assert found.keys() == rows.FIGURES.keys()
    for key in ("unit", "cpu", "unit-h264", "typing", "fanout-cpu", "screenshot-fresh"):
        assert found[key]["value"] > 0
        assert found[key]["limit"] > 0
    assert found["nobody-grabs"]["value"] == 0
    assert found["idle-traffic"]["value"] > 0
    assert 0 < found["fanout-delivered"]["value"] <= 100
    assert 0 < found["link-picture"]["value"] <= found["link-video"]["value"]
    assert found["polling"]["details"]["pictures"] > 0
