"""What all tests share: the order of the files, what a skipped test means, Hypothesis' profiles."""

from collections.abc import Generator
from pathlib import Path

import hypothesis
import pytest

HERE = Path(__file__).parent

LONGEST_FIRST = ("e2e", "capture", "kubernetes", "monitoring", "gateway", "common", "encoder")
"""The workers get the files of these folders first, in this order, and then all others.

Otherwise one worker would begin a long file last, while the others have nothing left to do.
"""

# The time that Hypothesis takes to make or run an example depends on the machine's load, so that
# nothing is concluded from it.
hypothesis.settings.register_profile(
    "untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.register_profile(
    "many", hypothesis.settings.get_profile("untimed"), max_examples=1000
)
hypothesis.settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--no-skips", action="store_true", help="a test that is skipped fails, with the reason"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the files; the tests of one file stay in the order in which they are written."""
    ranks = {name: rank for rank, name in enumerate(LONGEST_FIRST)}

    def rank(item: pytest.Item) -> int:
        folder = item.path.relative_to(HERE).parts[0] if HERE in item.path.parents else ""
        return ranks.get(folder, len(ranks))

    items.sort(key=rank)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if item.config.getoption("--no-skips") and not hasattr(report, "wasxfail"):
        _fail_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if collector.config.getoption("--no-skips"):
        _fail_skipped(report)
    return report


def _fail_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a report of a skip into one of a failure with the same reason; changes the report."""
    if report.outcome == "skipped":
        assert isinstance(report.longrepr, tuple)
        path, line, reason = report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{path}:{line}: {reason} (--no-skips)"
