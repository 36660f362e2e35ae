"""What fanlight depends on: every requirement has an upper bound, and the tested versions fit."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PINNED = {
    canonicalize_name(name): version
    for name, version in re.findall(
        r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE
    )
}


def requirements() -> list[Requirement]:
    """All that pyproject.toml names, of every extra; not fanlight's own extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    texts = {*project["dependencies"]}.union(*project["optional-dependencies"].values())
    return [each for text in sorted(texts) if (each := Requirement(text)).name != "fanlight"]


@pytest.mark.parametrize("requirement", requirements(), ids=lambda requirement: requirement.name)
def test_it_has_both_bounds_and_the_version_that_was_tested_is_between_them(
    requirement: Requirement,
) -> None:
    assert {each.operator for each in requirement.specifier} == {">=", "<"}
    assert PINNED[canonicalize_name(requirement.name)] in requirement.specifier
