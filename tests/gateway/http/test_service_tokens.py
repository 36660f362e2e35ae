"""The tokens with which the gateway asks screenshot services."""

from fanlight_common.core.grants import Role
from fanlight_common.process import tokens
from fanlight_gateway.http import service_tokens
from fanlight_gateway.http.service_tokens import LIFE_S, ServiceTokens

SECRET = bytes(range(32))


def test_a_token_is_to_view_one_desk() -> None:
    grant = tokens.verify(SECRET, ServiceTokens(SECRET).token("main", 1000.9), 1000.9)
    assert (grant.role, grant.desk, grant.expires_at) == (Role.VIEW, "main", 1000 + LIFE_S)


def test_it_is_kept_and_renewed_when_half_of_its_life_is_over() -> None:
    own = ServiceTokens(SECRET)
    first = own.token("main", 1000)
    assert own.token("main", 1000 + LIFE_S / 2 - 1) == first
    assert own.token("other", 1000) != first
    renewed = own.token("main", 1000 + LIFE_S / 2)
    assert renewed != first
    assert tokens.verify(SECRET, renewed, 1000).expires_at == 1000 + LIFE_S * 3 // 2


def test_it_is_renewed_when_the_clock_is_set_back() -> None:
    own = ServiceTokens(SECRET)
    own.token("main", 1_000_000)
    assert tokens.verify(SECRET, own.token("main", 1000), 1000).expires_at == 1000 + LIFE_S


def test_what_is_kept_is_bounded() -> None:
    own = ServiceTokens(SECRET)
    for number in range(service_tokens._MOST + 1):
        own.token(f"desk{number}", 1000)
    assert len(own._kept) == 1
