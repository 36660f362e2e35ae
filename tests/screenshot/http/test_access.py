"""Who may see which desk."""

import time
from pathlib import Path

import httpx
import pytest

from fanlight_common.core.errors import ConfigurationError
from fanlight_common.core.grants import ALL_DESKS, Grant, Role
from fanlight_common.process import tokens
from fanlight_common.process.settings import BusSettings
from fanlight_common.service.worker import Worker
from fanlight_screenshot.__main__ import access_of
from fanlight_screenshot.http.access import Access, AccessDeniedError
from fanlight_screenshot.settings import ScreenshotSettings
from tests.screenshot.conftest import Start
from tests.screenshot.fakes import FakeCapture, FakeDirectory, until

SECRET = bytes(range(32))
URL = "/desks/main/screenshot"


def header(secret: bytes, desk: str, role: Role = Role.VIEW, ttl_s: float = 60) -> dict[str, str]:
    now = time.time()
    token = tokens.issue(secret, Grant(role, desk, int(now + ttl_s)), now)
    return {"Authorization": f"Bearer {token}"}


def test_without_a_secret_nobody_is_asked() -> None:
    Access().require("main", "", 0)
    assert Access().grant("Bearer rubbish", 0) is None


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer ", "Basic eDp5", "Bearer rubbish"])
def test_no_token_is_401(authorization: str) -> None:
    with pytest.raises(AccessDeniedError) as refused:
        Access(SECRET).require("main", authorization, 0)
    assert (refused.value.status, refused.value.error) == (401, "unauthorized")


async def test_every_request_wants_a_token(
    start: Start, capture: FakeCapture, directory: FakeDirectory, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_bytes(SECRET)
    (tmp_path / "secret").chmod(0o600)
    capture.announce()
    other = FakeCapture(directory, "other", "c2")
    other.announce()
    client = await start(secret_file=tmp_path / "secret")

    async def listed(headers: dict[str, str]) -> list[str]:
        answer = await client.get("/desks", headers=headers)
        assert answer.status_code == 200
        return [desk["name"] for desk in answer.json()["desks"]]

    async def knows_both() -> bool:
        return await listed(header(SECRET, ALL_DESKS)) == ["main", "other"]

    await until(knows_both)
    assert await listed(header(SECRET, "other")) == ["other"]
    for role in Role:
        answer = await client.get(URL, headers=header(SECRET, "main", role))
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "image/jpeg"
    assert (await client.get(URL, headers=header(SECRET, ALL_DESKS))).status_code == 200

    for path in (URL, "/desks", "/desks/no-such/screenshot", URL + "?wait=20&scale=rubbish"):
        await refused(client, path, {}, 401)
    for headers in (
        header(bytes(32), "main"),
        header(SECRET, "main", ttl_s=-1),
        {"Authorization": "Bearer rubbish"},
        {"Cookie": "fanlight_token=" + header(SECRET, "main")["Authorization"].split()[1]},
    ):
        await refused(client, URL, headers, 401)
    await refused(client, URL, header(SECRET, "other"), 403)
    await refused(client, "/desks/no-such/screenshot", header(SECRET, "other"), 403)
    assert (await client.get("/healthz")).json() == {"healthy": True}
    await other.close()


async def refused(
    client: httpx.AsyncClient, path: str, headers: dict[str, str], status: int
) -> None:
    answer = await client.get(path, headers=headers)
    assert answer.status_code == status
    assert answer.json()["error"] == {401: "unauthorized", 403: "forbidden"}[status]
    assert answer.json()["message"]
    assert answer.headers["cache-control"] == "no-store"
    assert ("www-authenticate" in answer.headers) == (status == 401)


async def test_on_the_network_it_does_not_start_without_a_secret(
    bus_settings: BusSettings, tmp_path: Path
) -> None:
    worker = Worker("screenshot", bus_settings, None)
    try:
        assert access_of(worker, ScreenshotSettings()) == Access(None)
        worker.settings = bus_settings.model_copy(update={"bus_directory": "tcp://directory:7400"})
        with pytest.raises(ConfigurationError, match="FANLIGHT_SCREENSHOT_SECRET_FILE"):
            access_of(worker, ScreenshotSettings())
        access = access_of(worker, ScreenshotSettings(secret_file=tmp_path / "secret"))
        assert access.secret == (tmp_path / "secret").read_bytes()
    finally:
        worker.close()
