"""Who may import whom: the contracts of pyproject.toml hold, and no pure module escapes them."""

import tomllib
from pathlib import Path
from typing import Any

import grimp
from importlinter.cli import lint_imports

ROOT = Path(__file__).parents[1]


def _linter() -> dict[str, Any]:
    settings: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
    linter: dict[str, Any] = settings["tool"]["importlinter"]
    return linter


def test_the_contracts_hold() -> None:
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True) == 0


def test_every_pure_module_is_kept_pure() -> None:
    linter = _linter()
    (pure,) = [contract for contract in linter["contracts"] if contract["id"] == "pure"]
    packages = linter["root_packages"]
    graph = grimp.build_graph(*packages, include_external_packages=True, cache_dir=None)
    forbidden = set(pure["forbidden_modules"])
    listed = set(pure["source_modules"])
    ours = {name for name in graph.modules if name.split(".")[0] in packages}
    clean = {
        name
        for name in ours - set(packages)
        if not name.endswith(".__main__")
        and not {up.split(".")[0] for up in graph.find_upstream_modules(name)} & forbidden
        and not graph.find_children(name)
    }
    below = {name for name in clean if any(name.startswith(f"{package}.") for package in listed)}
    assert not clean - listed - below, "list these as pure in pyproject.toml"
    assert not listed - ours, "these are listed and are not there"
