"""Which pages may open a WebSocket."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanlight_gateway.core.origins import normal_origin, same_site


@pytest.mark.parametrize(
    ("origin", "normal"),
    [
        ("https://Desk.Example:443", "https://desk.example"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://a:443", "http://a:443"),
        ("null", None),
        ("file://", None),
        ("https://a/b", None),
        ("https://a?b", None),
        ("https://user@a", None),
        ("https://a:99999", None),
        ("https://[::1", None),
        ("https://", None),
        ("", None),
    ],
)
def test_normal_origin(origin: str, normal: str | None) -> None:
    assert normal_origin(origin) == normal


@pytest.mark.parametrize(
    ("origin", "host", "forwarded", "same"),
    [
        ("http://a:8080", "a:8080", None, True),
        ("http://a", "a:80", None, True),
        ("https://a", "a", None, True),  # TLS ends at a proxy that keeps Host
        ("https://a", "127.0.0.1:8080", "a", True),
        ("https://a", "127.0.0.1:8080", "a, inner", True),
        ("https://a", "127.0.0.1:8080", "inner, a", False),
        ("http://a:8081", "a:8080", None, False),
        ("http://evil", "a", None, False),
        ("http://a.evil", "a", None, False),
        ("null", "a", None, False),
        ("http://a", None, None, False),
        ("http://a", "", "", False),
        ("https://friend", "a", None, True),
    ],
)
def test_same_site(origin: str, host: str | None, forwarded: str | None, same: bool) -> None:
    assert same_site(origin, host, forwarded, {"https://friend"}) is same


@given(st.text(), st.none() | st.text(), st.none() | st.text())
def test_anything_is_answered(origin: str, host: str | None, forwarded: str | None) -> None:
    same_site(origin, host, forwarded, ())
