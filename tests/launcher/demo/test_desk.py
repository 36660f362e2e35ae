"""The demonstration desk, on a real X server."""

import itertools
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from fanlight_launcher.core.process_spec import Phase
from fanlight_launcher.demo.desk import WINDOW_MANAGER, X_SERVER, DemoDesk
from fanlight_launcher.machine.programs import DEMO_PROGRAMS, missing
from tests.launcher.conftest import Watched
from tests.launcher.demo.desktop import Desktop, connected

pytestmark = [
    pytest.mark.x11,
    pytest.mark.processes,
    pytest.mark.skipif(bool(missing(DEMO_PROGRAMS)), reason="programs are missing"),
]
POLYHEDRON = "Ico: thread 1"
TITLES = {"Clock", "Eyes", "Terminal", POLYHEDRON}
WIDTH, HEIGHT = 1920, 1080


@pytest.fixture
def directory() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="fl-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Have a program of the desk start a second late, as on a machine that is busy."""

    def delay(name: str) -> None:
        wrapper = tmp_path / name
        wrapper.write_text(f'#!/bin/sh\nsleep 1\nexec {shutil.which(name)} "$@"\n')
        wrapper.chmod(0o700)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    return delay


def run(desk: DemoDesk, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        text=True,
        capture_output=True,
        env={**os.environ, **desk.environment(), **environment},
        timeout=10,
    )


async def start(watched: Watched, directory: Path, **environment: str) -> DemoDesk:
    desk = DemoDesk(directory, environment)
    watched.supervisor.add([desk.server()])
    await watched.supervisor.running(X_SERVER)
    watched.supervisor.add(desk.programs())
    await all_windows(watched, desk)
    return desk


async def all_windows(watched: Watched, desk: DemoDesk) -> None:
    """Wait until the window manager has taken each window."""
    with connected(desk) as desktop:
        await watched.until(lambda: set(desktop.windows()) == TITLES)


async def moves(watched: Watched, desktop: Desktop, title: str) -> None:
    """Wait until the screen has shown five different pictures where a window is."""
    seen: set[bytes] = set()

    def looked() -> bool:
        seen.add(desktop.picture(desktop.windows()[title]))
        return len(seen) >= 5

    await watched.until(looked)


async def test_a_stranger_sees_a_desktop(watched: Watched, directory: Path) -> None:
    desk = await start(watched, directory)
    await watched.until(lambda: Phase.DONE in watched.phases("background"))
    size = run(desk, "xdpyinfo").stdout
    assert f"{WIDTH}x{HEIGHT} pixels" in size
    # The server lets nobody in without the cookie.
    refused = run(desk, "xdpyinfo", XAUTHORITY=os.devnull)
    assert refused.returncode != 0
    assert all(phase is not Phase.RESTARTING for phase in (s.phase for s in watched.states))


@pytest.mark.parametrize("late", ["", "openbox", "xterm", "xclock", "ico"])
async def test_no_window_hides_another_and_one_moves(
    late: str, watched: Watched, directory: Path, slow: Callable[[str], None]
) -> None:
    if late:
        slow(late)
    desk = await start(watched, directory)
    with connected(desk) as desktop:
        windows = desktop.windows().values()
        for one, other in itertools.combinations(windows, 2):
            assert not one.overlaps(other), (one, other)
        for window in windows:
            assert window.x >= 0, window
            assert window.y >= 0, window
            assert window.x + window.width <= WIDTH, window
            assert window.y + window.height <= HEIGHT, window
        await moves(watched, desktop, POLYHEDRON)


@pytest.mark.parametrize("late", ["", "xterm", "xclock", "ico"])
async def test_a_person_can_type_at_once_whatever_their_shell_is_told(
    late: str,
    watched: Watched,
    directory: Path,
    slow: Callable[[str], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if late:
        slow(late)
    home = tmp_path / "home"
    home.mkdir()
    for name in (".bashrc", ".bash_profile", ".profile", ".shrc"):
        (home / name).write_text("touch ~/was-read\nsleep 1000\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("ENV", str(home / ".shrc"))
    monkeypatch.setenv("PROMPT_COMMAND", "touch ~/was-read")
    desk = await start(watched, directory, WORD="known")
    with connected(desk) as desktop:
        await watched.until(lambda: desktop.active() == "Terminal")
    assert run(desk, "xdotool", "type", "echo $PWD $WORD >typed\n").returncode == 0
    await watched.until(lambda: (home / "typed").exists() and bool((home / "typed").read_text()))
    assert (home / "typed").read_text().strip() == f"{home} known"
    assert not (home / "was-read").exists()


async def test_no_window_is_mapped_before_the_window_manager_takes_it(
    watched: Watched, directory: Path
) -> None:
    await start(watched, directory)
    names = ("terminal", "clock", "polyhedron", "eyes")
    # A window may be seen before its process is noted.
    await watched.until(lambda: all(watched.pids(name) for name in names))
    order = [state.name for state in watched.states if state.phase is Phase.RUNNING]
    for name in names:
        assert order.index(WINDOW_MANAGER) < order.index(name)


@pytest.fixture
def number_in_use() -> Iterator[None]:
    """Gives a display with the lowest number that is free."""
    command = ["Xvfb", "-displayfd", "1", "-nolisten", "tcp"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        assert server.stdout is not None
        assert server.stdout.readline()
        yield
        server.terminate()


@pytest.mark.usefixtures("number_in_use")
async def test_display_numbers_in_use_are_passed_over_in_silence(
    watched: Watched, directory: Path
) -> None:
    await start(watched, directory)
    assert [line for name, line in watched.lines if name == X_SERVER] == []


async def test_a_program_that_is_closed_comes_back(watched: Watched, directory: Path) -> None:
    desk = await start(watched, directory)
    os.kill(watched.pids("terminal")[-1], signal.SIGTERM)
    await watched.until(lambda: len(watched.pids("terminal")) == 2)
    await all_windows(watched, desk)


async def test_a_dead_server_takes_the_desk_with_it_and_brings_it_back(
    watched: Watched, directory: Path
) -> None:
    desk = await start(watched, directory)
    display = desk.display
    os.kill(watched.pids(X_SERVER)[-1], signal.SIGKILL)
    await watched.until(lambda: len(watched.pids(X_SERVER)) == 2)
    # The new server has the old number, because the desk's capture knows no other.
    assert desk.display == display
    await all_windows(watched, desk)
    await watched.until(lambda: watched.phases("background").count(Phase.DONE) == 2)


def test_its_files_are_well_formed(directory: Path) -> None:
    path = directory / "it's a <place>"
    path.mkdir()
    DemoDesk(path, {})
    for name in ("openbox.xml", "menu.xml"):
        ElementTree.fromstring((path / name).read_text())
    assert (path / "xauthority").stat().st_mode & 0o777 == 0o600
