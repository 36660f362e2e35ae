"""Requests that wait until the desk changes, and answers that build on one another."""

import asyncio

import httpx
import pytest

from fanlight_common.protocol import bus, patch
from fanlight_screenshot import metrics
from fanlight_screenshot.core.admission import AdmissionLimits
from fanlight_screenshot.core.grabs import GrabTimes
from fanlight_screenshot.core.patch_limits import PatchLimits
from fanlight_screenshot.desks import deltas
from tests.metrics import count
from tests.screenshot.canvas import Canvas
from tests.screenshot.conftest import Start, know
from tests.screenshot.fakes import HEIGHT, WIDTH, FakeCapture, until

URL = "/desks/main/screenshot"
DELTA = {"delta": "1", "wait": "20", "viewer": "v"}


def is_colour(canvas: Canvas, colour: tuple[int, int, int]) -> bool:
    return bool((canvas.pixels == colour).all())


async def test_held_until_the_desk_changes(client: httpx.AsyncClient, capture: FakeCapture) -> None:
    # It knows no picture to compare with, so it is answered at once.
    first = await client.get(URL, params={"wait": "20"})
    assert first.status_code == 200
    headers = {"If-None-Match": first.headers["etag"]}
    held = asyncio.create_task(client.get(URL, params={"wait": "20"}, headers=headers))
    await until(lambda: capture.awaited)
    grabs = capture.grabs
    await asyncio.sleep(0.1)  # Nothing may happen, and the answer says how long it was held.
    assert not held.done()
    assert capture.grabs == grabs  # An idle desk costs nothing.
    capture.show((0, 255, 0))
    answer = await held
    assert answer.status_code == 200
    assert answer.headers["etag"] != first.headers["etag"]
    assert 100 <= int(answer.headers["x-fanlight-held-ms"]) < 5000


@pytest.mark.parametrize("delta", ["0", "1"])
async def test_time_is_up(client: httpx.AsyncClient, capture: FakeCapture, delta: str) -> None:
    query = {"wait": "0.2", "delta": delta}
    first = await client.get(URL, params=query)
    held = await client.get(URL, params=query, headers={"If-None-Match": first.headers["etag"]})
    assert held.status_code == 304
    assert held.headers["etag"] == first.headers["etag"]
    assert 190 <= int(held.headers["x-fanlight-held-ms"]) < 1000


async def test_patches_chain(client: httpx.AsyncClient, capture: FakeCapture) -> None:
    canvas = Canvas(WIDTH, HEIGHT)
    whole = await client.get(URL, params=DELTA)
    assert whole.headers["content-type"] == patch.MEDIA_TYPE
    assert "x-fanlight-base" not in whole.headers
    canvas.paint(whole.content)
    assert is_colour(canvas, (255, 0, 0))
    tag = whole.headers["etag"]
    # Both requests know the first picture. The second is answered with the second change.
    held = [
        asyncio.create_task(client.get(URL, params=DELTA, headers={"If-None-Match": tag}))
        for _ in range(2)
    ]
    for colour in ((0, 255, 0), (0, 0, 255)):
        await until(lambda: capture.awaited)
        capture.show(colour)
        done, pending = await asyncio.wait(held, return_when=asyncio.FIRST_COMPLETED)
        assert len(done) == 1
        held = list(pending)
        (answer,) = (task.result() for task in done)
        assert answer.headers["x-fanlight-base"] == tag
        tag = answer.headers["etag"]
        canvas.paint(answer.content)
        assert is_colour(canvas, colour)


async def test_an_unknown_base_gets_the_whole_picture(
    client: httpx.AsyncClient, capture: FakeCapture
) -> None:
    answer = await client.get(URL, params=DELTA, headers={"If-None-Match": '"d7-1-0"'})
    assert answer.status_code == 200
    assert "x-fanlight-base" not in answer.headers
    # The answer was lost. A request without a tag begins with a whole picture.
    again = await client.get(URL, params=DELTA)
    assert again.headers["etag"] == answer.headers["etag"]
    assert again.content == answer.content


async def test_who_keeps_an_older_picture_gets_all_that_changed_since(
    start: Start, capture: FakeCapture
) -> None:
    capture.announce()
    client = await start(grabs=GrabTimes(reuse_s=0))
    await know(client, "live")
    query = {"delta": "1"}
    old = await client.get(URL, params=query)
    for colour in ((0, 255, 0), (0, 0, 255)):
        capture.show(colour)
        newer = await client.get(URL, params=query, headers={"If-None-Match": old.headers["etag"]})
        assert newer.headers["x-fanlight-base"] == old.headers["etag"]
        canvas = Canvas(WIDTH, HEIGHT)
        canvas.paint(newer.content)
        assert is_colour(canvas, colour)


async def test_damage_without_a_change_is_no_answer(
    client: httpx.AsyncClient, capture: FakeCapture
) -> None:
    first = await client.get(URL, params=DELTA)
    headers = {"If-None-Match": first.headers["etag"]}
    held = asyncio.create_task(client.get(URL, params=DELTA, headers=headers))
    await until(lambda: capture.awaited)
    capture.show((255, 0, 0))
    await until(lambda: capture.awaited)
    assert not held.done()
    capture.show((0, 255, 0))
    assert (await held).headers["x-fanlight-base"] == first.headers["etag"]


async def test_damage_without_a_change_does_not_keep_a_coarse_picture_coarse(
    start: Start, capture: FakeCapture
) -> None:
    capture.announce()
    client = await start(patches=PatchLimits(refine_after_s=4))
    await know(client, "live")
    # The first picture loads the codecs. On a busy machine that takes seconds of the 4.
    await client.get(URL, params=DELTA)
    capture.noise = True
    capture.show((0, 0, 0))
    query = DELTA | {"quality": "20"}
    coarse = await client.get(URL, params=query)
    headers = {"If-None-Match": coarse.headers["etag"]}
    held = asyncio.create_task(client.get(URL, params=query, headers=headers))
    await until(lambda: capture.awaited)
    capture.show((0, 0, 0))  # A new frame of the same pixels, before it is refined.
    sharper = await asyncio.wait_for(held, 20)
    assert sharper.status_code == 200
    assert sharper.headers["x-fanlight-base"] == coarse.headers["etag"]
    assert len(sharper.content) > len(coarse.content)


async def test_a_refinement_of_nothing_waits_and_ends_in_time(
    start: Start, capture: FakeCapture, monkeypatch: pytest.MonkeyPatch
) -> None:
    capture.announce()
    client = await start(patches=PatchLimits(refine_after_s=0))
    await know(client, "live")
    capture.noise = True
    capture.show((0, 0, 0))
    query = DELTA | {"quality": "20"}
    coarse = await client.get(URL, params=query)
    monkeypatch.setattr(deltas, "_build", lambda *_: None)
    headers = {"If-None-Match": coarse.headers["etag"]}
    held = asyncio.create_task(client.get(URL, params=query | {"wait": "0.5"}, headers=headers))
    await until(lambda: capture.awaited)
    assert (await client.get("/healthz")).status_code == 200, "others are served meanwhile"
    answer = await asyncio.wait_for(held, 5)
    assert answer.status_code == 304
    assert answer.headers["etag"] == coarse.headers["etag"]


async def test_answers_come_no_faster_than_the_link_carries_them(
    start: Start, capture: FakeCapture
) -> None:
    capture.announce()
    client = await start(patches=PatchLimits(min_interval_s=1.0))
    await know(client, "live")
    tag = (await client.get(URL, params=DELTA)).headers["etag"]
    capture.show((0, 255, 0))
    began = asyncio.get_running_loop().time()
    answer = await client.get(URL, params=DELTA, headers={"If-None-Match": tag})
    assert answer.status_code == 200
    assert asyncio.get_running_loop().time() - began > 0.8
    # It is not refined at all if the time is up before.
    short = DELTA | {"wait": "0.1"}
    capture.show((0, 0, 255))
    headers = {"If-None-Match": answer.headers["etag"]}
    assert (await client.get(URL, params=short, headers=headers)).status_code == 304


async def test_the_second_request_of_a_viewer_waits_no_longer_than_it_said(
    client: httpx.AsyncClient, capture: FakeCapture
) -> None:
    tag = (await client.get(URL, params=DELTA)).headers["etag"]
    headers = {"If-None-Match": tag}
    held = asyncio.create_task(client.get(URL, params=DELTA, headers=headers))
    await until(lambda: capture.awaited)
    short = await client.get(URL, params=DELTA | {"wait": "0.1"}, headers=headers)
    assert short.status_code == 304
    held.cancel()


async def test_who_leaves_waits_no_more(client: httpx.AsyncClient, capture: FakeCapture) -> None:
    tag = (await client.get(URL, params=DELTA)).headers["etag"]
    headers = {"If-None-Match": tag}
    held = asyncio.create_task(client.get(URL, params=DELTA, headers=headers))
    await until(lambda: capture.awaited)
    assert count(metrics.waiting) == 1
    held.cancel()
    await until(lambda: count(metrics.waiting) == 0)
    capture.show((0, 255, 0))
    answer = await client.get(URL, params=DELTA, headers=headers)
    assert answer.headers["x-fanlight-base"] == tag


@pytest.mark.parametrize("limit", ["waiting", "waiting_desk", "waiting_client"])
async def test_too_many_wait(start: Start, capture: FakeCapture, limit: str) -> None:
    capture.announce()
    client = await start(admission=AdmissionLimits(**{limit: 1}))
    await know(client, "live")
    tag = (await client.get(URL, params=DELTA)).headers["etag"]
    headers = {"If-None-Match": tag}
    held = asyncio.create_task(client.get(URL, params=DELTA, headers=headers))
    await until(lambda: capture.awaited)
    refused = await client.get(URL, params=DELTA, headers=headers)
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["error"] == "busy"
    other = asyncio.create_task(client.get(URL, params=DELTA | {"viewer": "w"}, headers=headers))
    if limit == "waiting_client":  # One viewer does not take the places of the others.
        await until(lambda: count(metrics.waiting) == 2)
    else:
        assert (await other).status_code == 503
    capture.show((0, 255, 0))
    assert (await held).headers["x-fanlight-base"] == tag, "who was refused has taken no news"
    await asyncio.gather(other)
    await until(lambda: count(metrics.waiting) == 0)
    again = asyncio.create_task(client.get(URL, params=DELTA, headers=headers))
    await until(lambda: count(metrics.waiting) == 1)
    again.cancel()


@pytest.mark.parametrize("delta", ["0", "1"])
async def test_a_desk_that_goes_ends_the_wait(
    client: httpx.AsyncClient, capture: FakeCapture, delta: str
) -> None:
    query = {"wait": "20", "delta": delta}
    tag = (await client.get(URL, params=query)).headers["etag"]
    held = asyncio.create_task(client.get(URL, params=query, headers={"If-None-Match": tag}))
    await until(lambda: capture.awaited)
    capture.announce(alive=False)
    answer = await held
    assert answer.status_code == 304
    assert answer.headers["x-fanlight-stale"] == "1"


async def test_capture_is_asked_again_in_case_it_did_not_hear(
    start: Start, capture: FakeCapture
) -> None:
    capture.announce()
    client = await start(grabs=GrabTimes(next_retry_s=0.05))
    await know(client, "live")
    tag = (await client.get(URL, params=DELTA)).headers["etag"]
    held = asyncio.create_task(client.get(URL, params=DELTA, headers={"If-None-Match": tag}))
    await until(lambda: sum(isinstance(m, bus.GrabNext) for m in capture.told) >= 3)
    held.cancel()


async def test_with_the_pointer_drawn_there_are_no_patches(client: httpx.AsyncClient) -> None:
    answer = await client.get(URL, params={"delta": "1", "cursor": "1"})
    assert answer.headers["content-type"] == "image/jpeg"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("wait", value) for value in ("-1", "26", "nan", "inf", "x", "")),
        *(("delta", value) for value in ("2", "yes", "")),
        *(("viewer", value) for value in ("a b", "x" * 65, "é", '"')),
        *(("rate", value) for value in ("-1", "999", "1e6", "99999999999", "²")),
    ],
)
async def test_bad_parameters(client: httpx.AsyncClient, name: str, value: str) -> None:
    refused = await client.get(URL, params={name: value})
    assert refused.status_code == 422
    assert refused.json()["parameter"] == name
