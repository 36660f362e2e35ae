"""A desk's applications are strangers to its capture, and what dies on a desk comes back."""

from collections.abc import Callable

import pytest

from tests.compose.project import LIMIT_S, Desk, Project, docker, fails
from tests.e2e.conftest import Viewer
from tests.e2e.processes import wait_until

Open = Callable[..., Viewer]
KEYS = "/var/lib/fanlight/keys"
SEGMENTS = """
import ctypes, ctypes.util, os, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
rows = [line.split() for line in open("/proc/sysvipc/shm").read().splitlines()[1:]]
own = [int(row[1]) for row in rows if row[7] == "10001"]
for id_ in own:
    at = libc.shmat(id_, None, 0o10000)
    if at == ctypes.c_void_p(-1).value:
        print(os.strerror(ctypes.get_errno()))
    else:
        print("attached")
"""


@pytest.fixture(scope="module")
def desk(project: Project) -> Desk:
    """The desk, whose terminal runs."""
    found = Desk(project.one("desk").id)
    found.process("xterm")
    project.wait_healthy()
    return found


def test_applications_run_as_another_user(desk: Desk) -> None:
    uid, pid = desk.process("xterm")
    assert uid == desk.uid
    assert uid not in ("0", "10001")
    assert desk.process("openbox")[0] == uid
    assert desk.process("Xvfb")[0] == "10001"
    assert desk.process("python -m fanlight_capture")[0] == "10001"
    status = desk.execute("cat", f"/proc/{pid}/status").replace("\t", " ")
    none = "0" * 16
    for line in ("NoNewPrivs: 1", f"CapEff: {none}", f"CapPrm: {none}", f"CapAmb: {none}"):
        assert line in status, status
    groups = status.partition("Groups:")[2].partition("\n")[0].split()
    assert not groups, "and in no group besides its own"
    assert desk.application("id", "-un") == "desk"


def test_applications_reach_no_secret(desk: Desk) -> None:
    user = f"{desk.uid}:{desk.uid}"
    _, capture = desk.process("python -m fanlight_capture")
    # All of these files exist, and capture can read them.
    assert len(desk.execute("cat", f"{KEYS}/bus")) >= 40
    desk.execute("head", "-c", "1", f"/proc/{capture}/environ")
    for command in (
        f"ls {KEYS}",
        f"cat {KEYS}/bus",
        "ls /var/lib/fanlight/tokens",
        "cat /tmp/fanlight-desk/xauthority",
        f"cat /proc/{capture}/environ",
        f"head -c 1 /proc/{capture}/mem",
        f"ls /proc/{capture}/root/",
        f"ls /proc/{capture}/fd",
        "cat /usr/lib/fanlight/setpriv",
    ):
        said = desk.refuses("bash", "-c", command, user=user)
        assert "ermission denied" in said, said
    assert "not permitted" in desk.refuses("bash", "-c", f"kill -9 {capture}", user=user)
    become = ["/usr/lib/fanlight/setpriv", "--reuid", "10001", "id"]
    assert "denied" in desk.refuses(*become, user=user)


def test_applications_cannot_see_the_memory_of_capture(
    project: Project, desk: Desk, open_viewer: Open
) -> None:
    viewer = open_viewer(project.link("desk-1"))
    viewer.wait("stats.state === 'video' && stats.painted > 0", LIMIT_S)
    assert "attached" in desk.execute("python", "-c", SEGMENTS), "capture's user can"
    tried = set(desk.application("/opt/fanlight/bin/python", "-c", SEGMENTS).splitlines())
    assert tried == {"Permission denied"}


def test_applications_are_told_nothing_of_fanlight(desk: Desk) -> None:
    uid, pid = desk.process("xterm")
    script = f"tr '\\0' '\\n' </proc/{pid}/environ"
    words = desk.execute("bash", "-c", script, user=f"{uid}:{uid}")
    names = {line.partition("=")[0] for line in words.splitlines()}
    assert {"DISPLAY", "HOME", "XAUTHORITY"} <= names
    assert not [name for name in names if name.startswith(("FANLIGHT_", "DESK_"))]


def test_capture_killed_leaves_the_applications_alone(
    project: Project, desk: Desk, open_viewer: Open
) -> None:
    viewer = open_viewer(project.link("desk-1"))
    viewer.wait("stats.state === 'video' && stats.painted > 0")
    terminal, capture = desk.process("xterm"), desk.process("python -m fanlight_capture")
    desk.execute("bash", "-c", f"kill -9 {capture[1]}")
    wait_until(
        lambda: desk.process("python -m fanlight_capture") != capture, "another capture", LIMIT_S
    )
    assert desk.process("xterm") == terminal
    desk.move()
    viewer.wait_painted(10, LIMIT_S)


def test_the_x_server_killed_brings_back_the_whole_desk(
    project: Project, desk: Desk, open_viewer: Open
) -> None:
    viewer = open_viewer(project.link("desk-1"))
    viewer.wait("stats.state === 'video' && stats.painted > 0", LIMIT_S)
    desk.application("sh", "-c", "echo mine >/home/desk/kept")
    uid = desk.uid
    desk.execute("bash", "-c", f"kill -9 {desk.process('Xvfb')[1]}")
    wait_until(lambda: desk.inspect()["RestartCount"] == 1, "the container again", LIMIT_S)
    wait_until(lambda: desk.health == "healthy", "a healthy desk", LIMIT_S)
    desk.process("xterm")
    assert desk.uid == uid
    assert desk.application("cat", "/home/desk/kept") == "mine"
    desk.move()
    viewer.wait_painted(10, LIMIT_S)


def test_an_application_of_ones_own(images: dict[str, str]) -> None:
    run = ["run", "--rm", "--detach", "--init", "--network", "none"]
    run += ["--read-only", "--tmpfs", "/tmp", "--volume", "/home"]
    run += ["--cap-drop", "ALL", "--cap-add", "SETUID", "--cap-add", "SETGID"]
    run += ["--env", "DESK_UID=12345", "--env", "DESK_LAYOUT=de", "--env", "COLOUR=blue"]
    run += [images["desk"]]
    own = Desk(docker(*run, "sh", "-c", "id -u >>ran; echo $COLOUR >>ran"))

    def lines() -> list[str]:
        return own.application("cat", "/home/desk/ran", check=False).split()

    try:
        # The application ends at once, and the desk starts it again.
        wait_until(lambda: lines().count("12345") > 1, "the application, twice", LIMIT_S)
        assert "blue" in lines()
        assert "layout:     de" in own.application("setxkbmap", "-query").splitlines()
    finally:
        docker("stop", "--time", "2", own.id)


def test_a_keyboard_that_there_is_not(images: dict[str, str]) -> None:
    run = ["run", "--rm", "--network", "none", "--read-only", "--tmpfs", "/tmp"]
    said = fails(*run, "--env", "DESK_LAYOUT=nowhere", images["desk"])
    assert "DESK_LAYOUT: the X server has no keyboard layout 'nowhere'" in said
