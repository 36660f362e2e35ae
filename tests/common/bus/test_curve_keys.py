"""The file of the bus's keys."""

import errno
import os
import stat
from pathlib import Path

import pytest

from fanlight_common.bus import curve_keys
from fanlight_common.core.errors import ConfigurationError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "keys"
    curve_keys.create(path)
    return path


def test_a_new_file_has_one_key_and_is_not_for_others(path: Path) -> None:
    (key,) = curve_keys.load(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    curve_keys.create(path)  # a directory that starts again does this
    assert curve_keys.load(path) == (key,)
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_is_there_may_be_where_nobody_may_write(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An orchestrator's secret is on a file system that is read-only even for root."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(os, "open", refuse)
    curve_keys.create(path)
    with pytest.raises(ConfigurationError, match="Read-only"):
        curve_keys.create(path.with_name("another"))


def test_add_promote_remove(path: Path) -> None:
    (old,) = curve_keys.load(path)
    new = curve_keys.add(path)
    assert curve_keys.load(path) == (old, new)
    assert curve_keys.promote(path) == new
    assert curve_keys.load(path) == (new, old)
    assert curve_keys.remove(path) == old
    assert curve_keys.load(path) == (new,)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    with pytest.raises(ConfigurationError, match="wants 1 to"):
        curve_keys.remove(path)
    assert curve_keys.load(path) == (new,)


def test_comments_and_empty_lines_are_no_keys(path: Path) -> None:
    (key,) = curve_keys.load(path)
    path.write_bytes(b"# the office's\n\n" + key.secret + b"\n\n")
    assert curve_keys.load(path) == (key,)


@pytest.mark.parametrize(
    "content",
    [b"", b"# nothing\n", b"short\n", b"\xff" * 40, b'"' * 40, b"a" * 41, b"0" * 5000],
)
def test_what_is_no_key_file_is_refused_without_being_shown(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match="key file") as caught:
        curve_keys.load(path)
    assert "aaaa" not in str(caught.value)


def test_a_key_that_stands_there_twice_is_a_mistake(path: Path) -> None:
    path.write_bytes(path.read_bytes() * 2)
    with pytest.raises(ConfigurationError, match="twice"):
        curve_keys.load(path)


def test_a_file_for_all_to_read_is_refused(path: Path) -> None:
    path.chmod(0o644)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        curve_keys.load(path)


def test_public_halves_travel_as_hex() -> None:
    key = curve_keys.new()
    assert curve_keys.public_z85(curve_keys.public_hex(key.public)) == key.public
    assert key.secret.decode() not in repr(key)
    for wrong in ("", "zz", "00" * 31):
        with pytest.raises(ValueError, match=r"bytes|hex"):
            curve_keys.public_z85(wrong)
