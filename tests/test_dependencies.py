"""What fanlight depends on: whoever imports a package requires it, with an upper bound, and the
versions that were tested fit."""

import ast
import importlib.metadata
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
PINNED = {
    canonicalize_name(name): version
    for name, version in re.findall(
        r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE
    )
}
PACKAGES = {
    path.rpartition("/")[2]: ROOT / path
    for path in PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
}
"""The folders of our packages, by their names."""
EXTRAS = {
    "fanlight_capture": "capture",
    "fanlight_common": "all",
    "fanlight_directory": "",
    "fanlight_encoder": "encoder",
    "fanlight_gateway": "gateway",
    "fanlight_launcher": "launcher",
    "fanlight_screenshot": "screenshot",
    "tests": "dev",
    "bench": "bench",
}
"""The extra of pyproject.toml with which each of these is installed; "" is none."""
FOLDERS = {**PACKAGES, "tests": ROOT / "tests", "bench": ROOT / "bench"}
DISTRIBUTIONS = importlib.metadata.packages_distributions()
"""By what can be imported, the distributions of this environment that bring it."""


def requirements() -> list[Requirement]:
    """Return all requirements of pyproject.toml, of every extra, without fanlight's own extras."""
    texts = {*PROJECT["dependencies"]}.union(*PROJECT["optional-dependencies"].values())
    return [each for text in sorted(texts) if (each := Requirement(text)).name != "fanlight"]


def required(extra: str) -> set[str]:
    """Return the names of the distributions that `fanlight[extra]` requires itself."""
    names: set[str] = set()
    for text in [*PROJECT["dependencies"], *PROJECT["optional-dependencies"].get(extra, ())]:
        requirement = Requirement(text)
        if requirement.name == "fanlight":
            names |= set().union(*(required(each) for each in requirement.extras))
        else:
            names.add(canonicalize_name(requirement.name))
    return names


def imports(file: Path) -> Iterator[str]:
    """Yield the dotted names that a file imports; of `from a import b` both `a` and `a.b`."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def file_of(name: str) -> Path | None:
    """Return the file of a module of our packages; None for anything else."""
    package, *rest = name.split(".")
    if package not in PACKAGES:
        return None
    path = PACKAGES[package].joinpath(*rest)
    files = (path / "__init__.py", path.with_suffix(".py"))
    return next((file for file in files if file.is_file()), None)


def third_party(folder: Path) -> dict[str, Path]:
    """Return what the code of a folder imports of others, and for each a file that does so.

    Modules of ours that it imports count as its code. Python's own modules do not count.
    """
    found: dict[str, Path] = {}
    todo = sorted(folder.rglob("*.py"))
    seen = set(todo)
    while todo:
        file = todo.pop()
        for name in imports(file):
            top = name.partition(".")[0]
            ours = file_of(name)
            if ours is not None and ours not in seen:
                seen.add(ours)
                todo.append(ours)
            elif top not in FOLDERS and top not in sys.stdlib_module_names:
                found.setdefault(top, file.relative_to(ROOT))
    return found


def test_every_package_is_looked_at() -> None:
    assert set(EXTRAS) == set(FOLDERS)
    gateway = third_party(PACKAGES["fanlight_gateway"])
    assert {"fastapi", "starlette", "websockets", "jwt", "zmq", "msgpack"} <= set(gateway)
    assert gateway["zmq"].is_relative_to("libs/common"), "by what it imports of ours"
    assert "uvicorn" not in third_party(PACKAGES["fanlight_directory"])


@pytest.mark.parametrize(("package", "extra"), EXTRAS.items())
def test_whoever_imports_a_package_requires_it(package: str, extra: str) -> None:
    allowed = required(extra)
    missing = {
        name: str(file)
        for name, file in third_party(FOLDERS[package]).items()
        if allowed.isdisjoint(map(canonicalize_name, DISTRIBUTIONS.get(name, [name])))
    }
    assert not missing, f"not required by fanlight[{extra}] itself"


@pytest.mark.parametrize("requirement", requirements(), ids=lambda requirement: requirement.name)
def test_it_has_both_bounds_and_the_version_that_was_tested_is_between_them(
    requirement: Requirement,
) -> None:
    assert {each.operator for each in requirement.specifier} == {">=", "<"}
    assert PINNED[canonicalize_name(requirement.name)] in requirement.specifier
