"""The table that is made of results."""

from typing import Any

from bench import results, table


def result(**changes: Any) -> dict[str, Any]:
    """Return a result like those of `bench.age.cell`, but shorter."""
    return {
        "system": "fanlight", "row": "none", "load": "type", "link": "none (local)",
        "mode": "open", "median_ms": 20, "p95_ms": 30, "p99_ms": 40, "max_ms": 50,
        "pictures_per_s": 30.0, "cpu_percent_total": 12.0, "states": {"video": 20}, **changes,
    }  # fmt: skip


def test_a_figure_beside_what_it_has_to_beat() -> None:
    row = table.FANLIGHT_ROWS[0]
    assert table.cell(row, "type", [result()]) == "**30** (< 39)"
    assert table.cell(row, "type", [result(p95_ms=39)]) == "39 (not < 39)"
    assert table.cell(row, "type", [result(), result(p95_ms=44)]) == "44 (not < 39)"
    assert table.cell(row, "rects", [result()]) == "30"
    assert table.cell(table.PEER_ROWS[0], "type", [result()]) == "30"
    assert table.cell(row, "type", []) == ""


def test_a_failure_is_not_hidden_by_a_success() -> None:
    shown = table.cell(table.FANLIGHT_ROWS[0], "type", [result(), {"error": "no clock"}])
    assert shown == "failed: no clock"


def test_who_did_not_stay_in_the_mode_of_the_row_is_shown() -> None:
    row = table.FANLIGHT_ROWS[3]
    stayed = result(mode="retry", row=row.key)
    stray = result(mode="retry", row=row.key, states={"video": 12, "locked": 8})
    assert table.cell(row, "type", [stayed]) == "**30** (< 138)"
    assert table.cell(row, "type", [stray]) == "**30** (< 138) [video 12, locked 8]"
    assert table.kept_its_mode(result(mode="fallback", states={"locked": 3}))
    assert not table.kept_its_mode(result(mode="fallback"))
    assert table.kept_its_mode(result(states={"?": 3}, mode="retry"))


def test_rows_and_columns() -> None:
    measured = [result(), result(row="5", load="rects"), result(system="vnc")]
    lines = table.table("fanlight", measured).splitlines()
    assert lines == [
        "| fanlight | typing | rects |",
        "|---|---|---|",
        "| none (local) | **30** (< 39) |  |",
        "| 5 Mbit/s, 60 ms RTT |  | 30 |",
    ]


def test_costs_leave_out_what_failed() -> None:
    failed = {"system": "vnc", "row": "none", "load": "clip", "error": "no clock"}
    lines = table.costs([result(mbit_per_s=1.5), failed]).splitlines()
    assert lines[2:] == [
        "| fanlight | none (local) | type | 20 | 30 | 40 | 50 | 30.0 | 1.5 | 12.0 |"
    ]


def test_each_row_names_a_figure_for_each_column() -> None:
    for row in table.FANLIGHT_ROWS:
        assert all(row.beat_ms(load) for load in table.COLUMNS)
    assert {row.link for row in table.FANLIGHT_ROWS} == {row.link for row in table.PEER_ROWS}


def test_what_is_measured_again_replaces_what_was_there(tmp_path: Any) -> None:
    path = tmp_path / "network.jsonl"
    first = results.Results(path)
    first.add(result(row="5", p95_ms=70))
    first.add(result(p95_ms=31))
    second = results.Results(path)
    second.add(result(p95_ms=32))
    second.add(result(p95_ms=33))
    assert [(r["row"], r["p95_ms"]) for r in results.load(path)] == [
        ("none", 32), ("none", 33), ("5", 70)
    ]  # fmt: skip
    report = results.report(second.all, ["fanlight", "vnc"])
    assert "| none (local) | **33** (< 39) |" in report
    assert "| vnc |" not in report
