"""The demonstration desk, on a real X server."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from fanlight_launcher.demo.desk import SERVER, WINDOWS, DemoDesk
from fanlight_launcher.machine.requirements import DEMO_PROGRAMS, missing
from fanlight_launcher.processes.supervisor import Phase
from tests.launcher.conftest import Watched

pytestmark = [
    pytest.mark.x11,
    pytest.mark.processes,
    pytest.mark.skipif(bool(missing(DEMO_PROGRAMS)), reason="programs are missing"),
]
TITLES = ["Clock", "Eyes", "Terminal"]


@pytest.fixture
def directory() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="fl-"))
    yield path
    shutil.rmtree(path)


def run(desk: DemoDesk, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        text=True,
        capture_output=True,
        env={**os.environ, **desk.environment(), **environment},
        timeout=10,
    )


def windows(desk: DemoDesk) -> list[str]:
    """Titles of the windows that the window manager has taken."""
    ids = run(desk, "xprop", "-root", "_NET_CLIENT_LIST").stdout.partition("# ")[2]
    names = [
        run(desk, "xprop", "-id", id_, "_NET_WM_NAME", "WM_NAME").stdout
        for id_ in ids.replace(",", " ").split()
    ]
    return sorted(title for title in TITLES if any(f'"{title}"' in name for name in names))


async def start(watched: Watched, directory: Path) -> DemoDesk:
    desk = DemoDesk(directory)
    watched.supervisor.add([desk.server()])
    await watched.supervisor.running(SERVER)
    watched.supervisor.add(desk.programs())
    await watched.until(lambda: windows(desk) == TITLES)
    return desk


async def test_a_stranger_sees_a_desktop(watched: Watched, directory: Path) -> None:
    desk = await start(watched, directory)
    await watched.until(lambda: Phase.DONE in watched.phases("background"))
    size = run(desk, "xdpyinfo").stdout
    assert "1920x1080 pixels" in size
    # Nobody gets in without the cookie.
    refused = run(desk, "xdpyinfo", XAUTHORITY=os.devnull)
    assert refused.returncode != 0
    assert all(phase is not Phase.RESTARTING for phase in (s.phase for s in watched.states))


async def test_no_window_is_mapped_before_somebody_takes_it(
    watched: Watched, directory: Path
) -> None:
    await start(watched, directory)
    order = [state.name for state in watched.states if state.phase is Phase.RUNNING]
    for name in ("terminal", "clock", "polyhedron", "eyes"):
        assert order.index(WINDOWS) < order.index(name)


@pytest.fixture
def number_in_use() -> Iterator[None]:
    """A display with the lowest number that was free."""
    command = ["Xvfb", "-displayfd", "1", "-nolisten", "tcp"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        assert server.stdout is not None
        assert server.stdout.readline()
        yield
        server.terminate()


@pytest.mark.usefixtures("number_in_use")
async def test_numbers_in_use_are_passed_over_in_silence(watched: Watched, directory: Path) -> None:
    await start(watched, directory)
    assert [line for name, line in watched.lines if name == SERVER] == []


async def test_a_program_that_is_closed_comes_back(watched: Watched, directory: Path) -> None:
    desk = await start(watched, directory)
    os.kill(watched.pids("terminal")[-1], signal.SIGTERM)
    await watched.until(lambda: len(watched.pids("terminal")) == 2)
    await watched.until(lambda: windows(desk) == TITLES)


async def test_a_dead_server_takes_the_desk_with_it_and_brings_it_back(
    watched: Watched, directory: Path
) -> None:
    desk = await start(watched, directory)
    display = desk.display
    os.kill(watched.pids(SERVER)[-1], signal.SIGKILL)
    await watched.until(lambda: len(watched.pids(SERVER)) == 2)
    # Under the same number: its capture knows no other.
    assert desk.display == display
    await watched.until(lambda: windows(desk) == TITLES)
    await watched.until(lambda: watched.phases("background").count(Phase.DONE) == 2)


def test_its_files_are_well_formed(directory: Path) -> None:
    path = directory / "it's a <place>"
    path.mkdir()
    DemoDesk(path)
    for name in ("openbox.xml", "menu.xml"):
        ElementTree.fromstring((path / name).read_text())
    assert (path / "xauthority").stat().st_mode & 0o777 == 0o600
