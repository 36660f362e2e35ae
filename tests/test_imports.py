"""The import contracts of pyproject.toml hold, and every package has a pure core."""

import tomllib
from pathlib import Path
from typing import Any

from importlinter.cli import lint_imports

ROOT = Path(__file__).parents[1]


def _linter() -> dict[str, Any]:
    settings: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
    linter: dict[str, Any] = settings["tool"]["importlinter"]
    return linter


def test_the_contracts_hold() -> None:
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True) == 0


def test_every_package_has_a_core_that_is_kept_pure() -> None:
    linter = _linter()
    (pure,) = [contract for contract in linter["contracts"] if contract["id"] == "pure"]
    assert {f"{package}.core" for package in linter["root_packages"]} <= set(pure["source_modules"])
