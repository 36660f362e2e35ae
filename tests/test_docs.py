"""The documents are true: they have every message and setting, and what they link to exists."""

import os
import re
import subprocess
import sys
from dataclasses import is_dataclass
from pathlib import Path

import pytest

from fanlight_common.protocol import binary, bus, control, frames, input

ROOT = Path(__file__).parents[1]
PACKAGES = {path.name for path in ROOT.glob("[ls]*/*/fanlight_*")}
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
NOT_OURS = {".venv", "node_modules", ".git", ".cache"}
NO_PATHS = {
    # Prefixes of topics and of image names, and a file of Helm's.
    "unit/main/high/", "frame/main/shm/", "desk/main/", "lease/main/high/", "localhost/",
    "values.yaml",
}  # fmt: skip


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
    printed = subprocess.run(
        [sys.executable, str(ROOT / "scripts/document-settings")],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert printed == (ROOT / "docs/settings.md").read_text(), "run scripts/document-settings"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text()):
        assert (document.parent / target).exists(), target


def files_and_folders() -> str:
    """Return what is in the tree, a path a line; of folders, the last character is a slash."""
    lines = []
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in NOT_OURS]
        inside = f"/{Path(folder).relative_to(ROOT)}/".replace("/./", "/")
        lines += [f"{inside}{name}/" for name in folders] + [f"{inside}{name}" for name in files]
    return "\n".join(lines)


def named(text: str) -> set[str]:
    """Return what looks like a path in a document's sentences: a name in backticks."""
    ends = "py|js|md|ya?ml|toml|html|svg|jsonl|txt"
    sentences = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    return set(re.findall(rf"`([\w.*-][\w.*/-]*(?:/|\.(?:{ends})))`", sentences)) - NO_PATHS


def is_in(paths: str, name: str) -> bool:
    """Return whether a path ends by `name`; `common/x.py` may stand for `fanlight_common/x.py`."""
    pattern = re.escape(name).replace(r"\*", "[^/\n]*")
    return re.search(rf"[/_]{pattern}$", paths, re.MULTILINE) is not None


@pytest.fixture(scope="module")
def paths() -> str:
    return files_and_folders()


# The changelog may name what is gone.
@pytest.mark.parametrize(
    "document", [d for d in DOCUMENTS if d.name != "CHANGELOG.md"], ids=lambda path: path.name
)
def test_files_and_folders_that_are_named_exist(document: Path, paths: str) -> None:
    assert not [name for name in named(document.read_text()) if not is_in(paths, name)]


def test_a_file_that_is_not_there_is_found(paths: str) -> None:
    names = named("See `core/`, `tests/ports.py`, `core/no_such.py`, `no_such_folder/` and `code`.")
    assert names == {"core/", "tests/ports.py", "core/no_such.py", "no_such_folder/"}
    assert {name for name in names if is_in(paths, name)} == {"core/", "tests/ports.py"}
    assert is_in(paths, "common/process/tokens.py")
    assert not is_in(paths, "ocess/tokens.py")


def code() -> str:
    """Return all of the project's own code, including the viewer's."""
    files = [f for kind in ("py", "js") for f in ROOT.glob(f"[ls][ie]*/**/*.{kind}")]
    return "\n".join(file.read_text() for file in files)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_events_metrics_and_settings_that_are_named_exist(document: Path) -> None:
    text = document.read_text()
    # The variables that the compose files take from the environment are settings, too.
    files = [ROOT / "docs/settings.md", *ROOT.glob("docker-compose*.yml")]
    files += [*ROOT.glob("deploy/**/*.yml"), ROOT / "scripts/test"]
    known = code() + "".join(file.read_text() for file in files)
    for event in re.findall(r"event=(\w+)", text):
        assert f"event={event}" in known, event
    for metric in re.findall(r"`(fanlight_\w+)`", text):
        if metric in PACKAGES:
            continue
        # prometheus_client adds these to counters and histograms.
        bare = re.sub(r"_(total|count|sum|bucket)$", "", metric)
        assert f'"{bare}"' in known, metric
    for setting in re.findall(r"FANLIGHT_[A-Z_]+[A-Z]", text):
        assert setting in known, setting
