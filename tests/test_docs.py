"""The documents are true: they have every message and setting, and what they link to exists."""

import re
import subprocess
import sys
from dataclasses import is_dataclass
from pathlib import Path

import pytest

from fanlight_common.protocol import binary, bus, control, frames, input

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def messages() -> list[str]:
    """Return the names of all messages: the public dataclasses of the protocol, but for parts."""
    parts = {"DeskOffer", "HeldStream", "Rect", "SlotRef"}
    return sorted(
        name
        for module in (bus, control, frames, binary, input)
        for name, kind in vars(module).items()
        if isinstance(kind, type)
        and is_dataclass(kind)
        and kind.__module__ == module.__name__
        and name not in parts
    )


@pytest.mark.parametrize("message", messages())
def test_every_message_is_documented(message: str) -> None:
    assert f"`{message}`" in (ROOT / "docs/protocol.md").read_text()


@pytest.mark.parametrize(
    "message", [m for m in messages() if hasattr(binary, m) or hasattr(input, m)]
)
def test_every_binary_message_has_its_bytes_in_its_docstring(message: str) -> None:
    kind = getattr(binary, message, None) or getattr(input, message)
    assert f"0 u8 0x{kind.TYPE:02x}" in kind.__doc__


def test_every_setting_is_documented() -> None:
    made = subprocess.run(
        [sys.executable, str(ROOT / "scripts/document-settings")],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert made == (ROOT / "docs/settings.md").read_text(), "run scripts/document-settings"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text()):
        assert (document.parent / target).exists(), target


def code() -> str:
    """Return all of the project's own code, including the viewer's."""
    files = [f for kind in ("py", "js") for f in ROOT.glob(f"[ls][ie]*/**/*.{kind}")]
    return "\n".join(file.read_text() for file in files)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_events_metrics_and_settings_that_are_named_exist(document: Path) -> None:
    text = document.read_text()
    # The variables that the compose files take from the environment are settings, too.
    files = [ROOT / "docs/settings.md", *ROOT.glob("docker-compose*.yml")]
    files += ROOT.glob("deploy/**/*.yml")
    known = code() + "".join(file.read_text() for file in files)
    for event in re.findall(r"event=(\w+)", text):
        assert f"event={event}" in known, event
    for metric in re.findall(r"`(fanlight_(?:capture|encoder|gateway|screenshot)_\w+)`", text):
        # prometheus_client adds these to counters and histograms.
        bare = re.sub(r"_(total|count|sum|bucket)$", "", metric)
        assert f'"{bare}"' in known, metric
    for setting in re.findall(r"FANLIGHT_[A-Z_]+[A-Z]", text):
        assert setting in known, setting
