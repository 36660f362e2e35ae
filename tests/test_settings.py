"""There are few settings; code reads each of them, and none is there twice."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

ROOT = Path(__file__).parents[1]
GATEWAY = "services/gateway/fanlight_gateway"
CLASSES = {
    "fanlight_common.process.settings.BusSettings": ("libs/common/fanlight_common", 11),
    "fanlight_directory.settings.DirectorySettings": ("services/directory/fanlight_directory", 2),
    "fanlight_capture.settings.CaptureSettings": ("services/capture/fanlight_capture", 7),
    "fanlight_encoder.settings.EncoderSettings": ("services/encoder/fanlight_encoder", 12),
    "fanlight_screenshot.settings.ScreenshotSettings": (
        "services/screenshot/fanlight_screenshot",
        8,
    ),
    "fanlight_gateway.settings.GatewaySettings": (GATEWAY, 12),
    "fanlight_gateway.settings.ViewerSettings": (GATEWAY, 6),
}
"""The folder that reads each class, and how many settings the class has at most. A value that no
operator would turn is a constant beside its algorithm (docs/settings.md)."""
MOST = 60


def settings_of(name: str) -> type[BaseSettings]:
    module, _, kind = name.rpartition(".")
    found: type[BaseSettings] = getattr(importlib.import_module(module), kind)
    return found


def reads(tree: ast.AST, owners: set[str]) -> Iterator[str]:
    """Yield the attributes that code reads of `owners`, as in `settings.x`, `self._settings.x`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            of = node.value
            called = of.attr if isinstance(of, ast.Attribute) else getattr(of, "id", "")
            if called in owners or "settings" in called:
                yield node.attr


def read_in(folder: Path) -> set[str]:
    """Return what a folder's code reads of anything that is called, or annotated as, settings."""
    found: set[str] = set()
    for file in folder.rglob("*.py"):
        tree = ast.parse(file.read_text())
        parameters = [node for node in ast.walk(tree) if isinstance(node, ast.arg)]
        named = {
            a.arg for a in parameters if a.annotation and "Settings" in ast.unparse(a.annotation)
        }
        found |= set(reads(tree, named))
    return found


def through_properties(name: str, read: set[str]) -> set[str]:
    """Return the settings that the class's properties and validators read.

    Only those count that are in `read` themselves.
    """
    module, _, kind = name.rpartition(".")
    file = importlib.import_module(module).__file__
    assert file is not None
    found: set[str] = set()
    for node in ast.parse(Path(file).read_text()).body:
        if isinstance(node, ast.ClassDef) and node.name == kind:
            for part in node.body:
                if isinstance(part, ast.FunctionDef) and part.name in read:
                    found |= set(reads(part, {"self"}))
    return found


def read_by_the_page() -> set[str]:
    """Return the names that the viewer's modules use, except the one that lists its constants."""
    web = ROOT / GATEWAY / "web"
    texts = [file.read_text() for file in web.rglob("*.js") if file.name != "settings.js"]
    return {name for text in texts for name in re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", text)}


@pytest.mark.parametrize("name", CLASSES)
def test_each_is_read_by_code(name: str) -> None:
    folder, _ = CLASSES[name]
    if name.endswith("ViewerSettings"):
        read = read_by_the_page()
    else:
        everywhere = [ROOT / "libs", ROOT / "services"] if "common" in folder else [ROOT / folder]
        read = set().union(*map(read_in, everywhere))
        read |= through_properties(name, read)
    unread = settings_of(name).model_fields.keys() - read
    assert not unread


@pytest.mark.parametrize("name", CLASSES)
def test_they_are_few(name: str) -> None:
    assert len(settings_of(name).model_fields) <= CLASSES[name][1]


def test_all_together_are_at_most_sixty() -> None:
    assert sum(len(settings_of(name).model_fields) for name in CLASSES) <= MOST


def test_every_settings_class_is_looked_at() -> None:
    found = set()
    for file in [*ROOT.glob("libs/*/*/**/*.py"), *ROOT.glob("services/*/*/**/*.py")]:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ClassDef) and any(
                isinstance(base, ast.Name) and base.id == "BaseSettings" for base in node.bases
            ):
                found.add(node.name)
    assert found == {name.rpartition(".")[2] for name in CLASSES}
