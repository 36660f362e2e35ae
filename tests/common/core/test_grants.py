"""What a grant allows."""

import pytest

from fanlight_common.core.grants import ALL_DESKS, Grant, Role


@pytest.mark.parametrize(
    ("desk", "asked", "allowed"),
    [("main", "main", True), ("main", "other", False), (ALL_DESKS, "other", True)],
)
def test_one_desk_or_all(desk: str, asked: str, allowed: bool) -> None:
    assert Grant(Role.VIEW, desk, 100).allows(asked) is allowed


def test_only_control_may_control() -> None:
    assert Grant(Role.CONTROL, "main", 100).can_control
    assert not Grant(Role.VIEW, "main", 100).can_control


def test_it_is_over_from_its_last_second_on() -> None:
    grant = Grant(Role.VIEW, "main", 100)
    assert not grant.has_expired(99.9)
    assert grant.has_expired(100)
