"""The rules that the tree itself has to keep; docs/architecture.md and CONTRIBUTING.md say why."""

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = sorted(p.parent for p in ROOT.glob("[ls]*/*/fanlight_*/__init__.py"))
PYTHON = sorted(file for package in PACKAGES for file in package.rglob("*.py"))
JAVASCRIPT = sorted(file for package in PACKAGES for file in package.rglob("*.js"))
FOLDERS = sorted({file.parent for file in [*PYTHON, *JAVASCRIPT]})
TESTS_AND_BENCHES = sorted(
    file
    for tree in ("tests", "bench")
    for kind in ("py", "js")
    for file in (ROOT / tree).rglob(f"*.{kind}")
)
FOLDERS_OF_TESTS = sorted({file.parent for file in TESTS_AND_BENCHES})
MOST_FILES = 16
"""So many files a folder may have, beside `__init__.py`."""
MOST_LINES = {".py": 400, ".js": 299}
"""So many lines a module may have. The viewer's modules stay under 300."""
MOST_LINES_OF_TESTS = 400
REASON = "This module is longer than the rule allows, because"


def name(path: Path) -> str:
    """Return a path as failures show it."""
    return str(path.relative_to(ROOT))


def test_there_is_something_to_look_at() -> None:
    assert len(PACKAGES) == 7
    assert len(PYTHON) > 150
    assert len(JAVASCRIPT) > 50
    assert len(TESTS_AND_BENCHES) > 300


@pytest.mark.parametrize("folder", [*FOLDERS, *FOLDERS_OF_TESTS], ids=name)
def test_a_folder_of_code_has_few_files(folder: Path) -> None:
    files = [f.name for f in folder.iterdir() if f.suffix in MOST_LINES]
    assert len({*files} - {"__init__.py"}) <= MOST_FILES


@pytest.mark.parametrize("folder", [f for f in FOLDERS if list(f.glob("*.py"))], ids=name)
def test_a_folder_of_python_says_what_it_owns(folder: Path) -> None:
    docstring = ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))
    assert docstring, "its __init__.py has no docstring"


def test_a_long_module_says_why() -> None:
    limits = {file: MOST_LINES[file.suffix] for file in [*PYTHON, *JAVASCRIPT]}
    limits |= dict.fromkeys(TESTS_AND_BENCHES, MOST_LINES_OF_TESTS)
    long = {
        name(file)
        for file, most in limits.items()
        if len(file.read_text().splitlines()) > most
        and REASON not in " ".join(file.read_text()[:2000].split()).replace(" * ", " ")
    }
    assert not long


def types_of(node: ast.stmt) -> list[str]:
    """Return the names of types that a statement defines: a class, or aliases in CamelCase."""
    if isinstance(node, ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else []
    names = [target.id for target in targets if isinstance(target, ast.Name)]
    return [name for name in names if re.fullmatch("_?[A-Z]+[a-z][A-Za-z0-9]*", name)]


def test_types_are_found() -> None:
    found = [
        types_of(node) for node in ast.parse("class A: ...\nUnit = int | str\nMAX_S = 1\n").body
    ]
    assert found == [["A"], ["Unit"], []]


def test_no_type_name_stands_for_two_things() -> None:
    found = defaultdict(list)
    for file in PYTHON:
        for node in ast.parse(file.read_text()).body:
            for type_ in types_of(node):
                found[type_].append(name(file))
    assert not {type_: files for type_, files in found.items() if len(files) > 1}
