"""The import contracts of pyproject.toml hold, and every package has a pure core.

The contract `pure` names what pure modules must not import, over whatever others. It does not know
what nobody thought of. So a second rule stands here, by what the source text says: pure modules
import from a short list, and call no builtin that does I/O.
"""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PURE = sorted(
    file
    for package in ROOT.glob("[ls]*/*/fanlight_*")
    for folder in ("core", *(["protocol"] if package.name == "fanlight_common" else []))
    for file in (package / folder).rglob("*.py")
)
HARMLESS = {
    "bisect", "collections", "collections.abc", "dataclasses", "enum", "functools", "heapq",
    "itertools", "json", "math", "operator", "posixpath", "re", "struct", "types", "typing",
    "urllib.parse", "xml.sax.saxutils",
}  # fmt: skip
"""Modules of the standard library that do no I/O and read no clock, chance or environment."""
COMMON = ("fanlight_common.core", "fanlight_common.protocol")
ONE_MODULE_ONLY = {
    "fanlight_common/protocol/wire.py": {"msgpack"},
    # `sys.executable`: plans start the services by the interpreter that runs the launcher.
    "fanlight_launcher/core/plan.py": {"sys"},
}
BUILTINS_WITH_IO = {"__import__", "breakpoint", "eval", "exec", "input", "open", "print"}


def _linter() -> dict[str, Any]:
    settings: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
    linter: dict[str, Any] = settings["tool"]["importlinter"]
    return linter


def test_the_contracts_hold() -> None:
    # In a process of its own, because import-linter switches off the loggers that there are.
    program = Path(sys.executable).with_name("lint-imports")
    linted = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert linted.returncode == 0, linted.stdout


def test_every_package_has_a_core_that_is_kept_pure() -> None:
    linter = _linter()
    (pure,) = [contract for contract in linter["contracts"] if contract["id"] == "pure"]
    assert {f"{package}.core" for package in linter["root_packages"]} <= set(pure["source_modules"])
    assert {_module(file) for file in PURE} == set(pure["source_modules"])


def _module(file: Path) -> str:
    """Return the package and the folder in it that a pure file is in, with a dot between."""
    return ".".join(file.relative_to(ROOT).parts[2:4])


def impurities(text: str, package: str, allowed: set[str]) -> Iterator[str]:
    """Yield what a module of `package` imports or calls that a pure one must not.

    `allowed` has the modules that it may import beside the harmless ones.
    """
    ours = (*COMMON, f"{package}.core")

    def pure(module: str) -> bool:
        return module in HARMLESS | allowed or any(f"{module}.".startswith(f"{o}.") for o in ours)

    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Import(names):
                yield from (alias.name for alias in names if not pure(alias.name))
            case ast.ImportFrom(module, _, level):
                if level or not pure(module or ""):
                    yield "." * level + (module or "")
            case ast.Name(name) if name in BUILTINS_WITH_IO:
                yield name


@pytest.mark.parametrize("file", PURE, ids=lambda file: "/".join(file.parts[-3:]))
def test_a_pure_module_uses_what_is_pure_and_nothing_else(file: Path) -> None:
    inside = file.relative_to(ROOT).parts[2:]
    allowed = ONE_MODULE_ONLY.get("/".join(inside), set())
    assert not list(impurities(file.read_text(), inside[0], allowed))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import time", ["time"]),
        ("import math, urllib.request", ["urllib.request"]),
        ("def f():\n    from datetime import datetime", ["datetime"]),
        ("from . import pacer", ["."]),
        ("from fanlight_common import process", ["fanlight_common"]),
        ("from fanlight_common.core_of_another import a", ["fanlight_common.core_of_another"]),
        ("from fanlight_gateway.core import gate", ["fanlight_gateway.core"]),
        ("from fanlight_encoder.core import pacer", []),
        ("from fanlight_common.protocol.binary import Ack", []),
        ("import msgpack", ["msgpack"]),
        ("text = open(path).read()", ["open"]),
        ("import re, uuid", []),
    ],
)
def test_what_is_not_pure_is_found(text: str, found: list[str]) -> None:
    assert list(impurities(text, "fanlight_encoder", {"uuid"})) == found


def test_what_only_one_module_may_import_it_does_import() -> None:
    for file in PURE:
        inside = file.relative_to(ROOT).parts[2:]
        allowed = ONE_MODULE_ONLY.get("/".join(inside), set())
        assert set(impurities(file.read_text(), inside[0], set())) == allowed
