"""The private directory, which is removed whatever happens to its launcher."""

import fcntl
import shutil
import stat
import tempfile
from pathlib import Path

import pytest

from fanlight_launcher.machine.runtime_directory import runtime_dir


def test_the_runtime_directory_is_private_and_goes() -> None:
    with runtime_dir() as directory:
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        (directory / "socket").touch()
        # The longest name of a desk fits into the path of a socket.
        assert len(str(directory / f"capture-{'x' * 63}.outlet")) <= 107
    assert not directory.exists()


def test_what_a_killed_launcher_left_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = Path(tempfile.mkdtemp(prefix="fl-"))
    monkeypatch.setattr(tempfile, "tempdir", str(parent))
    left, used, bare, link = (parent / f"fanlight-up-{n}" for n in ("left", "used", "bare", "link"))
    for directory in (left, used, bare):
        directory.mkdir()
    (left / "lock").touch()
    link.symlink_to(left)
    with (used / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with runtime_dir() as directory:
            assert directory.parent == parent
            assert not left.exists()
            assert used.exists()
            # A launcher may be about to lock it.
            assert bare.exists()
    assert not directory.exists()


def test_a_long_temporary_directory_is_avoided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("x" * 60)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    with runtime_dir() as directory:
        assert directory.parent == Path("/tmp")


def test_a_directory_that_another_launcher_takes_for_abandoned_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = Path(tempfile.mkdtemp(prefix="fl-"))
    monkeypatch.setattr(tempfile, "tempdir", str(parent))
    lock, removed = fcntl.flock, []

    def late(file: int, operation: int) -> None:
        # The other launcher comes after the file is created and before it is locked.
        if not removed:
            (directory,) = parent.iterdir()
            removed.append(directory)
            shutil.rmtree(directory)
        lock(file, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    with runtime_dir() as directory:
        assert directory not in removed
        assert directory.is_dir()
    assert list(parent.iterdir()) == []
    parent.rmdir()
