"""Fixtures of the container tests: images built once, a stack that several share, a browser.

They need an engine; `make test-compose` starts one if none runs.
"""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.compose.project import BUILDS, IMAGES, SERVICES, TAG, Project, docker, image
from tests.e2e.conftest import Viewer, browser, open_viewer, shared  # noqa: F401  (fixtures)

Report = Callable[[str], None]
_LINES: list[str] = []


SHARING = ("test_desk.py", "test_strangers.py", "test_stack.py")
"""These modules use the same project, one after the other; the last of them takes it down."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests of this folder, give them time to build images, and sort sharers first."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.compose)
            item.add_marker(pytest.mark.timeout(900))
    ranks = {name: rank for rank, name in enumerate(SHARING)}
    items.sort(key=lambda item: ranks.get(item.path.name, len(SHARING)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the tests measured."""
    if _LINES:
        terminalreporter.section("measured")
        for line in _LINES:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def report() -> Report:
    """Return a function that takes a line for the end of the run."""
    return _LINES.append


@pytest.fixture(scope="session")
def images(report: Report) -> dict[str, str]:
    """The name of each image, all built from this clone."""
    answers = subprocess.run(["docker", "version"], capture_output=True, check=False)
    assert answers.returncode == 0, "no engine answers; make test-compose starts one"
    began = time.monotonic()
    project = Project("fanlight-build", BUILDS)
    project.compose("build", limit_s=900)
    # The desk's Dockerfile has this target, too, but no service of the compose file uses it alone.
    root = Path(__file__).parents[2]
    file = root / "services" / "capture" / "Dockerfile"
    arguments = ["--network", "host", "--target", "capture", "--file", str(file)]
    docker("build", *arguments, "--tag", image("capture"), str(root), limit_s=900)
    took_s = time.monotonic() - began
    report(f"images built in {took_s:.0f} s (less what the engine had of them)")
    built = {service: image(service) for service in (*SERVICES, "capture")}
    for service, name in built.items():
        size = int(docker("image", "inspect", "--format", "{{.Size}}", name))
        report(f"image {service:10} {size / 1e6:5.0f} MB")
    assert IMAGES in built["desk"]
    assert TAG in built["desk"]
    return built


@pytest.fixture(scope="module")
def name(request: pytest.FixtureRequest) -> str:
    """A project name that no other module and no other run has."""
    module = str(request.module.__name__).rpartition(".")[2].removeprefix("test_")
    return f"fanlight-{module.replace('_', '-')}-{os.getpid()}"


@pytest.fixture(scope="session")
def shared_project(images: dict[str, str]) -> Iterator[Project]:
    """The project of docker-compose.yml, which is not up yet. Afterwards nothing of it is left."""
    made = Project(f"fanlight-shared-{os.getpid()}")
    try:
        yield made
    finally:
        made.down()


@pytest.fixture(scope="module")
def project(shared_project: Project) -> Project:
    """The project of docker-compose.yml, which is up."""
    shared_project.up()
    return shared_project
