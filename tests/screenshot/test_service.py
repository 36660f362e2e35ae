"""The service with real sockets and real HTTP, between a fake directory and a fake capture."""

import asyncio
import io

import httpx
import pytest
from PIL import Image

from fanlight_common.protocol import bus, topics
from fanlight_common.protocol.binary import PointerPosition, PointerShape
from fanlight_common.protocol.topics import Lane
from fanlight_screenshot import metrics
from fanlight_screenshot.core.grabs import GrabTimes
from fanlight_screenshot.core.parameters import ScreenshotFormat
from fanlight_screenshot.core.pointer_times import PointerTimes
from tests.metrics import count
from tests.screenshot.conftest import Start, know
from tests.screenshot.fakes import HEIGHT, WIDTH, FakeCapture, FakeDirectory, until
from tests.screenshot.images.test_images import png

URL = "/desks/main/screenshot"


def colour(response: httpx.Response, at: tuple[int, int] = (5, 5)) -> tuple[int, ...]:
    with Image.open(io.BytesIO(response.content)) as image:
        pixel = image.convert("RGB").getpixel(at)
    assert isinstance(pixel, tuple)
    return pixel


def near(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return all(abs(a - b) <= 4 for a, b in zip(one, other, strict=True))


async def test_the_first_image_of_a_desk_nobody_was_watching(
    client: httpx.AsyncClient, capture: FakeCapture
) -> None:
    response = await client.get(URL)
    assert response.status_code == 200
    assert response.headers["content-type"] == "image/jpeg"
    assert response.headers["cache-control"] == "no-cache"
    assert response.headers["x-fanlight-width"] == str(WIDTH)
    assert response.headers["x-fanlight-height"] == str(HEIGHT)
    assert int(response.headers["x-fanlight-captured-us"]) > 0
    assert "x-fanlight-stale" not in response.headers
    assert near(colour(response), (255, 0, 0))
    # The subscription is passive, and there is no other.
    assert capture.subscribed == {topics.screenshot("main", Lane.SHM)}


async def test_an_image_is_never_older_than_the_request(start: Start, capture: FakeCapture) -> None:
    capture.announce()
    client = await start(grabs=GrabTimes(reuse_s=0))
    await know(client, "live")
    for shown in ((0, 255, 0), (0, 0, 255), (9, 9, 9)):
        capture.show(shown)
        assert near(colour(await client.get(URL, params={"format": "png"})), shown)


async def test_unchanged_costs_304_and_no_pixels(
    client: httpx.AsyncClient, capture: FakeCapture
) -> None:
    first = await client.get(URL)
    before = count(metrics.encodes)
    for header in (first.headers["etag"], f'"x", W/{first.headers["etag"]}', "*"):
        again = await client.get(URL, headers={"If-None-Match": header})
        assert again.status_code == 304
        assert again.content == b""
        assert again.headers["etag"] == first.headers["etag"]
        for name in ("x-fanlight-captured-us", "x-fanlight-width", "x-fanlight-height"):
            assert name in again.headers
    assert count(metrics.encodes) == before
    capture.show((0, 0, 0))

    async def has_changed() -> bool:  # Within the reuse window the old picture may come.
        headers = {"If-None-Match": first.headers["etag"]}
        return (await client.get(URL, headers=headers)).status_code == 200

    await until(has_changed)


async def test_one_encode_and_few_grabs_however_many_ask(
    start: Start, capture: FakeCapture
) -> None:
    capture.announce()
    client = await start(grabs=GrabTimes(reuse_s=10))
    await know(client, "live")
    before = count(metrics.encodes)
    responses = await asyncio.gather(*(client.get(URL) for _ in range(30)))
    assert {r.status_code for r in responses} == {200}
    assert len({r.content for r in responses}) == 1
    assert count(metrics.encodes) == before + 1
    assert capture.grabs <= 1


async def test_formats_scale_and_bad_parameters(client: httpx.AsyncClient) -> None:
    for format_ in ScreenshotFormat:
        response = await client.get(URL, params={"format": format_, "scale": "0.5"})
        assert response.headers["content-type"] == f"image/{format_}"
        with Image.open(io.BytesIO(response.content)) as image:
            assert image.size == (WIDTH // 2, HEIGHT // 2)
    for name, value in (("format", "bmp"), ("quality", "0"), ("scale", "2"), ("cursor", "yes")):
        refused = await client.get(URL, params={name: value})
        assert refused.status_code == 422
        body = refused.json()
        assert body["parameter"] == name
        assert body["allowed"] in body["message"]


async def test_never_seen(client: httpx.AsyncClient) -> None:
    for name in ("other", "No-Name", "a" * 200):
        response = await client.get(f"/desks/{name}/screenshot")
        assert response.status_code == 404
        assert response.json()["error"] == "no_such_desk"


async def test_nothing_yet(start: Start, capture: FakeCapture) -> None:
    capture.mute = True
    capture.announce()
    client = await start(grabs=GrabTimes(timeout_s=0.05))
    await know(client, "live")
    response = await client.get(URL)
    assert response.status_code == 503
    assert response.headers["retry-after"] == "1"
    assert "nothing came yet" in response.json()["message"]
    assert capture.grabs >= 1


async def test_a_desk_that_never_had_a_display_says_so(start: Start, capture: FakeCapture) -> None:
    capture.mute = True
    capture.announce(size=(0, 0))
    client = await start(grabs=GrabTimes(timeout_s=0.05))
    await know(client, "away")
    response = await client.get(URL)
    assert response.status_code == 503
    assert response.json()["error"] == "no_picture"
    assert "its display is away" in response.json()["message"]


@pytest.mark.parametrize("how", ["gone", "away", "silent"])
async def test_the_last_image_is_served_as_stale(
    start: Start, capture: FakeCapture, how: str
) -> None:
    capture.announce()
    client = await start(grabs=GrabTimes(timeout_s=0.05, reuse_s=0))
    await know(client, "live")
    first = await client.get(URL)
    if how == "silent":
        capture.mute = True
    else:
        await capture.close()
        capture.announce(alive=how == "away", size=(0, 0))
        await know(client, how)
    stale = await client.get(URL)
    assert stale.status_code == 200
    assert stale.headers["x-fanlight-stale"] == "1"
    assert stale.headers["etag"] == first.headers["etag"]
    assert stale.headers["x-fanlight-width"] == str(WIDTH)
    other = await client.get(URL, params={"format": "png"})
    assert other.headers["x-fanlight-stale"] == "1"
    assert near(colour(other), (255, 0, 0))
    same = await client.get(URL, headers={"If-None-Match": first.headers["etag"]})
    assert same.status_code == 304
    assert same.headers["x-fanlight-stale"] == "1"


async def test_a_desk_that_goes_while_a_request_waits_gives_the_last_image(
    start: Start, capture: FakeCapture
) -> None:
    capture.announce()
    client = await start(grabs=GrabTimes(timeout_s=30, reuse_s=0))
    await know(client, "live")
    assert (await client.get(URL)).status_code == 200
    capture.mute = True
    waiting = asyncio.create_task(client.get(URL))
    told = len(capture.told)
    await until(lambda: len(capture.told) > told)  # It was asked, and does not answer.
    capture.announce(alive=False, size=(0, 0))
    stale = await waiting
    assert (stale.status_code, stale.headers["x-fanlight-stale"]) == (200, "1")


async def test_a_desk_that_comes_back_elsewhere(
    start: Start, capture: FakeCapture, directory: FakeDirectory
) -> None:
    capture.announce()
    client = await start(grabs=GrabTimes(reuse_s=0))
    await know(client, "live")
    await client.get(URL)
    await capture.close()
    capture.announce(alive=False)
    await know(client, "gone")
    back = FakeCapture(directory, id_="c2")
    back.show((0, 0, 255))
    back.announce()
    await know(client, "live")
    response = await client.get(URL, params={"format": "png"})
    assert near(colour(response), (0, 0, 255))
    assert "x-fanlight-stale" not in response.headers
    await back.close()


async def test_pixels_where_shared_memory_is_out_of_reach(
    start: Start, capture: FakeCapture
) -> None:
    capture.broken_ring = True
    capture.announce()
    client = await start(grabs=GrabTimes(reuse_s=0))
    await know(client, "live")

    async def answers() -> bool:
        response = await client.get(URL)
        assert response.status_code in (200, 503)
        return response.status_code == 200 and near(colour(response), (255, 0, 0))

    await until(answers)
    assert capture.lane is Lane.PIXELS


async def test_a_capture_on_another_host(start: Start, capture: FakeCapture) -> None:
    capture.announce(host="elsewhere/1")
    client = await start(grabs=GrabTimes(reuse_s=0))
    await know(client, "live")
    assert (await client.get(URL)).status_code == 200
    assert capture.lane is Lane.PIXELS


async def test_the_pointer_is_drawn_on_request(start: Start, capture: FakeCapture) -> None:
    capture.point(PointerShape(4, 4, 0, 0, png((4, 4), (0, 255, 0, 255))), PointerPosition(0, 0))
    capture.announce()
    client = await start(pointer=PointerTimes(keep_s=0.5))
    await know(client, "live")
    query = {"format": "png", "cursor": "1"}
    drawn = await client.get(URL, params=query)
    assert near(colour(drawn, (1, 1)), (0, 255, 0))
    assert near(colour(await client.get(URL, params={"format": "png"}), (1, 1)), (255, 0, 0))
    capture.point(None, PointerPosition(32768, 32768))
    moved = drawn

    async def has_moved() -> bool:
        nonlocal moved
        moved = await client.get(URL, params=query)
        return moved.headers["etag"] != drawn.headers["etag"]

    await until(has_moved)
    assert near(colour(moved, (WIDTH // 2 + 1, HEIGHT // 2 + 1)), (0, 255, 0))
    # An event after a gap hides the pointer. Nonsense between the events harms nothing.
    capture.event(binary=b"\x04nonsense")
    capture.event(text="a clipboard, of no interest here")
    capture.shape = PointerShape(0, 0, 0, 0, b"").encode()
    capture.event(binary=capture.shape, skip=3)
    capture.outlet.send_multipart([topics.events("main"), b"x", b"y"])
    plain = (await client.get(URL, params={"format": "png"})).headers["etag"]

    async def is_hidden() -> bool:
        return (await client.get(URL, params=query)).headers["etag"] == plain

    await until(is_hidden)
    # Nobody asks any more, so the subscription ends.
    await until(lambda: topics.events("main") not in capture.subscribed)


async def test_nothing_is_known_of_the_pointer(start: Start, capture: FakeCapture) -> None:
    capture.announce()
    client = await start(pointer=PointerTimes(wait_s=0.001))
    await know(client, "live")
    assert (await client.get(URL, params={"cursor": "1"})).status_code == 200


async def test_too_many_at_a_time(start: Start, capture: FakeCapture) -> None:
    capture.announce()
    client = await start(max_pending=1, grabs=GrabTimes(reuse_s=10))
    await know(client, "live")
    asking = (client.get(URL, params={"quality": str(q)}) for q in range(10, 40))
    responses = await asyncio.gather(*asking)
    statuses = [r.status_code for r in responses]
    assert set(statuses) == {200, 503}
    assert all(r.headers["retry-after"] == "1" for r in responses if r.status_code == 503)


async def test_pictures_of_some_desks_are_kept(
    start: Start, capture: FakeCapture, directory: FakeDirectory
) -> None:
    other = FakeCapture(directory, "other", "c2")
    capture.announce()
    other.announce()
    client = await start(keep_pictures=1)

    async def knows_both() -> bool:
        return len((await client.get("/desks")).json()["desks"]) == 2

    await until(knows_both)
    assert (await client.get(URL)).status_code == 200
    assert (await client.get("/desks/other/screenshot")).status_code == 200
    await other.close()


async def test_desks_and_health(client: httpx.AsyncClient, directory: FakeDirectory) -> None:
    assert (await client.get("/healthz")).json() == {"healthy": True}
    desk = {"name": "main", "state": "live", "width": WIDTH, "height": HEIGHT}
    assert (await client.get("/desks")).json() == {"desks": [desk]}
    url = str(client.base_url).rstrip("/")
    await until(
        lambda: "shots" in directory.heartbeats and directory.heartbeats["shots"].http == url
    )


async def test_foreign_records_are_ignored(
    client: httpx.AsyncClient, directory: FakeDirectory
) -> None:
    odd = bus.ServiceRecord("odd", "odd", True, "1", "h", "")
    directory.tell(topics.desk("odd"), odd)
    directory.tell(topics.desk("main"), odd)
    assert (await client.get(URL)).status_code == 200
