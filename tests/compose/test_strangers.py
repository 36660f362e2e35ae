"""Somebody in the bus's own network has every address and public key, but no secret one."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.compose.project import LIMIT_S, Desk, Project, docker
from tests.e2e.conftest import Viewer

SCRIPT = Path(__file__).with_name("stranger.py")


@pytest.fixture(scope="module")
def desk(project: Project) -> Desk:
    """A desk with a window whose text changes."""
    found = Desk(project.one("desk").id)
    found.process("xterm")
    project.wait_healthy()
    found.move()
    return found


@pytest.mark.parametrize("kind", ["member", "other", "plain"])
def test_who_has_no_key_sees_nothing_and_presses_nothing(
    project: Project,
    images: dict[str, str],
    desk: Desk,
    open_viewer: Callable[..., Viewer],
    kind: str,
) -> None:
    viewer = open_viewer(project.link("desk-1"))
    viewer.wait("stats.state === 'video' && stats.painted > 5", LIMIT_S)
    before = pressed(desk)
    keys = f"{project.name}_keys:/keys:ro"
    run = ["run", "--rm", "--interactive", "--network", f"{project.name}_bus", "--volume", keys]
    said = docker(
        *run, images["encoder"], "python", "-", "/keys/bus", kind, input=SCRIPT.read_text()
    )
    found = json.loads(said)
    if kind == "member":
        # The same attempts succeed with the right key, so the test would notice them.
        assert found == {
            "directory": 2,
            "frames": 1,
            "told directory": True,
            "told capture": True,
        }
        assert pressed(desk) == before + 1
    else:
        nothing = {"directory": 0, "frames": 0, "told directory": False, "told capture": False}
        assert found == nothing
        assert pressed(desk) == before
    viewer.wait_painted(5)


def pressed(desk: Desk) -> float:
    """Return how many inputs capture has injected."""
    found = re.findall(r"^fanlight_capture_inputs_total\S* (\S+)", desk.metrics(), re.MULTILINE)
    return sum(float(count) for count in found)
