"""Tokens: one that was issued is verified, and no other is."""

import base64
import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanlight_common.core.errors import ConfigurationError, ProtocolError, TokenError
from fanlight_common.core.grants import Grant, Role
from fanlight_common.process import secret_files, tokens

SECRET = bytes(range(32))
NOW = 1_000_000.0
GRANT = Grant(Role.CONTROL, "main", 1_000_060)


def forge(
    changes: dict[str, object], secret: bytes | str = SECRET, algorithm: str = "HS256"
) -> str:
    """Return a token with GRANT's claims and these `changes`. None leaves a claim out."""
    claims = {"aud": "fanlight", "iat": 1, "exp": 1_000_060, "role": "view", "desk": "main"}
    present = {k: v for k, v in (claims | changes).items() if v is not None}
    return jwt.encode(present, secret, algorithm=algorithm)


@pytest.mark.parametrize("desk", ["main", "*"])
@pytest.mark.parametrize("role", list(Role))
def test_what_is_issued_verifies(role: Role, desk: str) -> None:
    grant = Grant(role, desk, 1_000_060)
    assert tokens.verify(SECRET, tokens.issue(SECRET, grant, NOW), NOW) == grant


def test_a_grant_allows_its_desk_and_role() -> None:
    assert GRANT.allows("main")
    assert not GRANT.allows("other")
    assert not GRANT.allows("*")
    assert GRANT.can_control
    assert Grant(Role.VIEW, "*", 0).allows("other")
    assert not Grant(Role.VIEW, "*", 0).can_control


def test_it_ends_on_the_second_it_says() -> None:
    token = tokens.issue(SECRET, GRANT, NOW)
    assert tokens.verify(SECRET, token, 1_000_059.9) == GRANT
    with pytest.raises(TokenError, match="expired"):
        tokens.verify(SECRET, token, 1_000_060)


def test_another_secret_is_a_forgery() -> None:
    token = tokens.issue(bytes(32), GRANT, NOW)
    with pytest.raises(TokenError, match="forged"):
        tokens.verify(SECRET, token, NOW)


def test_the_algorithm_is_pinned() -> None:
    unsigned = forge({}, "", "none")
    longer = forge({}, bytes(64), "HS512")
    for token in (unsigned, longer):
        with pytest.raises(TokenError, match="forged"):
            tokens.verify(SECRET, token, NOW)


def test_an_audience_of_another_service_is_refused() -> None:
    with pytest.raises(TokenError, match="not for fanlight"):
        tokens.verify(SECRET, forge({"aud": "other"}), NOW)


@pytest.mark.parametrize(
    "changes",
    [
        *({name: None} for name in ("aud", "exp", "iat", "role", "desk")),
        {"exp": "tomorrow"},
        {"exp": True},
        {"exp": 1e9},
        {"role": "root"},
        {"role": ["view"]},
        {"desk": "../main"},
        {"desk": ""},
        {"desk": 7},
    ],
    ids=str,
)
def test_wrong_claims_are_malformed(changes: dict[str, object]) -> None:
    with pytest.raises(TokenError, match="malformed"):
        tokens.verify(SECRET, forge(changes), NOW)


def nested_header() -> str:
    """Return a token whose header makes the JSON parser recurse."""
    header = base64.urlsafe_b64encode(b"[" * 3000).decode()
    return f"{header}.e30.AAAA"


@pytest.mark.parametrize(
    "token",
    ["", ".", "a.b.c", "é", "\ud800", "a" * 5000, nested_header()],
    ids=["empty", "dot", "abc", "latin", "surrogate", "long", "nested"],
)
def test_garbage_is_malformed(token: str) -> None:
    with pytest.raises(TokenError, match="malformed"):
        tokens.verify(SECRET, token, NOW)


@given(st.text())
def test_any_text_is_refused_politely(token: str) -> None:
    with pytest.raises(TokenError):
        tokens.verify(SECRET, token, NOW)


@given(st.integers(min_value=0), st.binary(min_size=1, max_size=8))
def test_any_changed_token_is_refused(at: int, noise: bytes) -> None:
    token = tokens.issue(SECRET, GRANT, NOW)
    at %= len(token)
    changed = token[:at] + base64.urlsafe_b64encode(noise).decode() + token[at + 1 :]
    with pytest.raises(TokenError):
        tokens.verify(SECRET, changed, NOW)


def test_a_desk_that_cannot_be_is_not_granted() -> None:
    with pytest.raises(ProtocolError):
        tokens.issue(SECRET, Grant(Role.VIEW, "Main Desk", 0), NOW)


def test_claims_are_what_the_documentation_says() -> None:
    payload = tokens.issue(SECRET, GRANT, NOW).split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    assert claims == {
        "aud": "fanlight",
        "iat": 1_000_000,
        "exp": 1_000_060,
        "role": "control",
        "desk": "main",
    }


def test_the_secret_is_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "state" / "fanlight" / "secret"
    secret = tokens.load_secret(path)
    assert len(secret) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert tokens.load_secret(path) == secret
    assert list(path.parent.iterdir()) == [path]


def test_many_that_start_at_once_agree(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    with ThreadPoolExecutor(16) as pool:
        found = set(pool.map(tokens.load_secret, [path] * 64))
    assert len(found) == 1
    assert list(tmp_path.iterdir()) == [path]


def test_losing_the_race_reads_the_winners_file(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(SECRET)
    secret_files.make(path, b"another")
    assert path.read_bytes() == SECRET
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o660, 0o602])
def test_a_secret_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "secret"
    path.write_bytes(SECRET)
    path.chmod(mode)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        tokens.load_secret(path)


def test_a_group_may_read_it_as_containers_need(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(SECRET)
    path.chmod(0o440)
    assert tokens.load_secret(path) == SECRET


@pytest.mark.parametrize("size", [0, 31, 4097])
def test_a_secret_of_the_wrong_size_is_refused(tmp_path: Path, size: int) -> None:
    path = tmp_path / "secret"
    path.write_bytes(bytes(size))
    path.chmod(0o600)
    with pytest.raises(ConfigurationError, match="32 to 4096 bytes"):
        tokens.load_secret(path)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"not a regular file|directory"):
        tokens.load_secret(tmp_path)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo, 0o600)
    with pytest.raises(ConfigurationError, match="not a regular file"):
        tokens.load_secret(fifo)
    with pytest.raises(ConfigurationError, match="secret file"):
        tokens.load_secret(fifo / "below")


def test_where_the_secret_is_by_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for unset in ("", "relative/path"):
        monkeypatch.setenv("XDG_STATE_HOME", unset)
        assert tokens.default_secret_file() == tmp_path / ".local/state/fanlight/secret"
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert tokens.default_secret_file() == tmp_path / "state/fanlight/secret"
