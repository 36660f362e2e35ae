"""A token is swapped for a cookie: its name, its flags, and who gets none."""

from http.cookies import SimpleCookie
from pathlib import Path

import httpx
import pytest

from fanlight_common.core.grants import Role
from tests.gateway.clients import Site
from tests.gateway.conftest import Start
from tests.screenshot.fakes import FakeDirectory


async def test_a_token_is_swapped_for_a_cookie_that_scripts_cannot_read(site: Site) -> None:
    response = await site.sign_in(site.token(ttl_s=50))
    assert response.status_code == 204
    (morsel,) = SimpleCookie(response.headers["set-cookie"]).values()
    assert morsel["httponly"]
    assert morsel["samesite"] == "strict"
    assert morsel["path"] == "/"
    assert not morsel["secure"]
    assert 0 < int(morsel["max-age"]) <= 50
    # From here on the cookie alone is enough.
    assert (await site.http.get("/api/desks")).status_code == 200
    out = await site.http.delete("/api/session")
    assert out.status_code == 204
    assert (await site.http.get("/api/desks")).status_code == 401


async def test_two_fanlights_on_one_host_do_not_sign_each_others_viewers_out(
    start: Start, tmp_path: Path
) -> None:
    one, other = await start(), await start(secret_file=tmp_path / "secret")
    # A browser sends the cookies of a host to each of its ports.
    browser = httpx.Cookies()
    for site, role in ((one, Role.CONTROL), (other, Role.VIEW)):
        browser.update((await site.sign_in(site.token(role))).cookies)
    for site, role in ((one, "control"), (other, "view")):
        site.http.cookies = browser
        assert (await site.http.get("/api/desks")).json()["role"] == role
    await one.http.delete("/api/session")
    assert (await other.http.get("/api/desks")).status_code == 200


async def test_gateways_with_one_secret_share_the_cookie_whatever_host_a_proxy_passes_on(
    site: Site,
) -> None:
    response = await site.sign_in(site.token(), Host="desk.example:8090")
    cookies = {"Cookie": response.headers["set-cookie"].partition(";")[0]}
    for host in ("desk.example", "127.0.0.1:8080"):
        read = await site.http.get("/api/desks", headers={"Host": host, **cookies})
        assert read.status_code == 200


async def test_the_cookie_is_secure_behind_https(site: Site, start: Start) -> None:
    response = await site.sign_in(site.token(), **{"X-Forwarded-Proto": "https"})
    assert "secure" in response.headers["set-cookie"].lower()


@pytest.mark.parametrize(("setting", "secure"), [("always", True), ("never", False)])
async def test_the_cookies_flags_can_be_set(
    start: Start, directory: FakeDirectory, setting: str, secure: bool
) -> None:
    site = await start(cookie_secure=setting, root_path="/desks/")
    response = await site.sign_in(site.token(), **{"X-Forwarded-Proto": "https"})
    cookie = response.headers["set-cookie"].lower()
    assert ("secure" in cookie) is secure
    assert "path=/desks;" in cookie


async def test_who_cannot_sign_in(site: Site) -> None:
    for token, status in (
        (site.token(ttl_s=-1), 401),
        (site.token()[:-3] + "AAA", 401),
        ("nonsense", 401),
        (7, 400),
        ("x" * 20_000, 413),
    ):
        response = await site.sign_in(token)
        assert response.status_code == status
        assert response.json()["message"]
        assert "set-cookie" not in response.headers
    for body in (b"", b"[]", b"\xff", b"[" * 5000):
        assert (await site.http.post("/api/session", content=body)).status_code == 400


async def test_another_sites_page_can_neither_sign_in_nor_out(site: Site) -> None:
    evil = {"Origin": "https://evil.example"}
    assert (await site.sign_in(site.token(), **evil)).status_code == 403
    assert (await site.http.delete("/api/session", headers=evil)).status_code == 403
    assert (await site.sign_in(site.token(), Origin=site.url)).status_code == 204
