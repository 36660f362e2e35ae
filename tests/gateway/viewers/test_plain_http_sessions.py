"""Viewers over plain HTTP, from outside: who is admitted, what arrives, and how a session ends."""

import asyncio
import contextlib
import struct

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fanlight_common.core.grants import Role
from fanlight_common.protocol import batches, binary, bus, control, input
from fanlight_common.protocol.binary import CloseCode
from fanlight_gateway.core import exchange
from fanlight_gateway.settings import ViewerSettings
from fanlight_gateway.viewers.plain_http_transport import PlainHttpTransport
from tests.gateway.clients import VIEWER, Site
from tests.gateway.conftest import Start
from tests.gateway.fakes import FakeEncoder
from tests.gateway.viewers.plain_viewer import (
    HELLO,
    KEY_A,
    PlainViewer,
    decoded,
    held_poll,
    join,
    keys,
)
from tests.screenshot.fakes import FakeCapture, until


@pytest.fixture
def polls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The `after` of each poll that has come to the gateway, which holds it by then."""
    came: list[int] = []
    take = PlainHttpTransport.take

    async def noting(
        transport: PlainHttpTransport, after: int
    ) -> tuple[int, list[exchange.NumberedMessage]]:
        came.append(after)
        return await take(transport, after)

    monkeypatch.setattr(PlainHttpTransport, "take", noting)
    return came


async def test_hello_in_welcome_out_and_never_any_video(
    site: Site, encoder: FakeEncoder, capture: FakeCapture
) -> None:
    viewer = await join(site)
    assert viewer.opened["welcome"]["role"] == "control"
    assert viewer.opened["welcome"]["settings"] == ViewerSettings().model_dump()
    assert len(viewer.opened["session"]) >= 32
    first = await viewer.take()
    assert control.VideoState("off") in first
    assert any(isinstance(m, control.DeskState) for m in first)
    await viewer.give(control.SetVideoEnabled(True))
    held = asyncio.create_task(viewer.take())
    await asyncio.sleep(0.3)  # time for a subscription, which may not come
    assert not encoder.subscribed
    capture.event(binary=binary.PointerPosition(1, 2).encode())
    assert binary.PointerPosition(1, 2) in await held


async def test_input_is_handled_once_and_in_order_whatever_is_sent_twice(
    site: Site, capture: FakeCapture
) -> None:
    viewer = await join(site)
    events = [input.Key(down, usage) for usage in range(4, 14) for down in (True, False)]
    for at, event in enumerate(events):
        for _ in range(2):  # each answer is lost once, so each request is repeated
            answer = await viewer.give(*events[max(0, at - 3) : at + 1], first=max(1, at - 2))
            assert answer.headers["x-fanlight-handled"] == str(at + 1)
        await viewer.give(event, first=at + 1)
        await viewer.give(events[0], first=1)  # an old request that comes late
    # The input comes in order, so nothing is on its way any more once the last has come.
    events.append(input.Key(True, 99))
    await viewer.give(events[-1], first=len(events))
    await until(lambda: events[-1].encode() in keys(capture))
    assert keys(capture) == [event.encode() for event in events]
    gap = await viewer.give(KEY_A, first=len(events) + 2)
    assert gap.status_code == 409
    assert gap.json()["error"] == "bad_number"


async def test_a_lost_answer_is_given_again_and_an_acknowledged_one_is_not(
    polls: list[int], site: Site, capture: FakeCapture
) -> None:
    viewer = await join(site)
    one, again = await viewer.poll(0), await viewer.poll(0)
    assert one.content == again.content
    assert one.headers["x-fanlight-first"] == "1"
    await viewer.take()
    held = await held_poll(viewer, polls)
    capture.event(text=control.Clipboard("copied").encode())
    answer = await held
    assert batches.decode(answer.content) == [control.Clipboard("copied").encode()]
    assert int(answer.headers["x-fanlight-first"]) == viewer.after + 1
    assert (await viewer.poll(10**6)).status_code == 409
    assert (await viewer.poll(-1)).status_code == 400


async def test_a_poll_is_held_and_answered_empty_when_the_time_is_up_or_another_comes(
    polls: list[int], start: Start, capture: FakeCapture
) -> None:
    site = await start(http_long_poll_s=0.3)
    await site.ready("main")
    viewer = await join(site)
    await viewer.take()
    assert await viewer.take() == []
    first = await held_poll(viewer, polls)
    second = asyncio.create_task(viewer.poll())
    assert (await first).content == b""
    assert not second.done()
    assert (await second).content == b""


async def test_pongs_come_with_the_answer_to_their_ping(site: Site) -> None:
    viewer = await join(site)
    held = asyncio.create_task(viewer.take())
    answer = await viewer.give(binary.Ping(7, 123))
    (pong,) = [decoded(m) for m in batches.decode(answer.content)]
    assert isinstance(pong, binary.Pong)
    assert (pong.id, pong.viewer_us) == (7, 123)
    assert not any(isinstance(m, binary.Pong) for m in await held)


async def test_who_does_not_get_in(site: Site) -> None:
    cookie = {"Cookie": f"fanlight_token={site.token()}"}
    for desk, headers, status, code in (
        ("main", site.bearer(site.token(ttl_s=-1)), 401, CloseCode.UNAUTHORIZED),
        ("main", site.bearer(site.token(desk="other")), 403, CloseCode.FORBIDDEN),
        ("main", cookie | {"Origin": "https://evil.example"}, 403, CloseCode.FORBIDDEN),
        ("main", cookie | {"Sec-Fetch-Site": "cross-site"}, 403, CloseCode.FORBIDDEN),
        ("main", cookie, 403, CloseCode.FORBIDDEN),  # no origin, and no token in a header
        ("never", site.bearer(), 404, CloseCode.NO_SUCH_DESK),
    ):
        answer = await site.http.post(f"/api/desks/{desk}/http", content=HELLO, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    for proof in ({"Origin": site.url}, {"Sec-Fetch-Site": "same-origin"}):
        answer = await site.http.post("/api/desks/main/http", content=HELLO, headers=cookie | proof)
        assert answer.status_code == 200


@pytest.mark.parametrize(
    ("hello", "status"),
    [
        (b"", 400),
        (b"\xff", 400),
        (b'{"request_idr": true}', 400),
        (control.Hello(VIEWER, True, False, protocol=99).encode().encode(), 400),
        (b"x" * 5000, 413),
    ],
)
async def test_hello_has_to_be_one(site: Site, hello: bytes, status: int) -> None:
    answer = await site.http.post("/api/desks/main/http", content=hello, headers=site.bearer())
    assert answer.status_code == status
    assert site.connected == 0


async def test_a_session_is_of_no_use_to_others(site: Site, capture: FakeCapture) -> None:
    viewer = await join(site)
    body = batches.encode([KEY_A.encode()])
    view = site.bearer(site.token(Role.VIEW))
    cookie = {"Cookie": f"fanlight_token={site.token()}"}
    for headers, status in (
        ({}, 403),  # not even a token
        (site.bearer("nonsense"), 401),
        (view, 403),
        (site.bearer(site.token(desk="other")), 403),
        (cookie | {"Origin": "https://evil.example"}, 403),
    ):
        answer = await site.http.post(f"{viewer.path}?first=1", content=body, headers=headers)
        assert answer.status_code == status
        gone = await site.http.delete(viewer.path, headers=headers)
        assert gone.status_code == status
    assert (await site.http.get(f"{viewer.path}?after=0", headers=view)).status_code == 403
    assert (await site.http.get(f"{viewer.path}?after=0")).status_code == 401
    other = viewer.path.replace("/main/", "/other/")
    assert (await site.http.get(f"{other}?after=0", headers=site.bearer())).status_code == 403
    assert not keys(capture)


async def test_a_view_token_watches_and_nothing_else(site: Site, capture: FakeCapture) -> None:
    viewer = await join(site, Role.VIEW)
    await viewer.give(KEY_A)
    assert any(isinstance(m, control.Error) and m.code == "view_only" for m in await viewer.take())
    assert not keys(capture)


async def test_the_same_viewer_again_replaces_the_earlier_one_over_either_transport(
    polls: list[int], site: Site
) -> None:
    one = await join(site)
    await one.take()
    held = await held_poll(one, polls)
    async with site.viewer(video=False) as socket:
        answer = await held
        assert (answer.status_code, answer.json()["code"]) == (410, CloseCode.REPLACED)
        assert (await one.give(KEY_A)).json()["code"] == CloseCode.REPLACED
        two = await join(site)
        assert await socket.closed() == CloseCode.REPLACED
    three = await join(site)
    assert (await two.poll()).json()["code"] == CloseCode.REPLACED
    await three.take()
    assert site.connected == 1


async def test_a_viewer_that_replaces_itself_loses_no_key(site: Site, capture: FakeCapture) -> None:
    first = await join(site)
    # The first viewer makes the gateway connect to the capture. Until the connection is up, the
    # gateway refuses what viewers type.
    while not keys(capture):
        await first.give(KEY_A)
    wanted = [
        key.encode()
        for usage in range(5, 15)
        for key in (input.Key(True, usage), input.Key(False, usage))
    ]
    for down, up in zip(wanted[::2], wanted[1::2], strict=True):
        viewer = await join(site)
        await viewer.give(down, up)
    await until(lambda: [key for key in keys(capture) if key != KEY_A.encode()] == wanted)


async def test_a_websocket_that_has_not_said_hello_replaces_nothing(site: Site) -> None:
    one = await join(site)
    async with site.socket() as socket:
        assert "welcome" in str(await socket.recv())
        assert (await one.give(binary.Ping(1, 1))).status_code == 200
    await one.take()


async def test_a_viewer_that_leaves_or_is_not_heard_of_lets_go(
    start: Start, capture: FakeCapture
) -> None:
    site = await start(http_timeout_s=1.0, http_long_poll_s=1.5)
    await site.ready("main")

    def released() -> int:
        return sum(isinstance(m, bus.ReleaseViewer) for m in capture.told)

    viewer = await join(site)
    await viewer.give(KEY_A)
    await until(lambda: keys(capture))
    assert (await site.http.delete(viewer.path, headers=viewer.headers)).status_code == 204
    await until(lambda: released() == 1)
    assert (await viewer.poll()).status_code == 410

    silent = await join(site)
    await silent.take()
    await silent.poll()  # held for longer than the limit, which counts as contact
    assert site.connected == 1
    await until(lambda: released() == 2)
    assert (await silent.give(KEY_A)).json()["code"] == CloseCode.SLOW
    assert site.connected == 0

    dropped = await join(site)
    await dropped.take()
    with pytest.raises(httpx.ReadTimeout):
        await site.http.get(
            f"{dropped.path}?after={dropped.after}", headers=dropped.headers, timeout=0.1
        )
    await until(lambda: released() == 3)


async def test_an_expired_token_ends_it(site: Site) -> None:
    headers = site.bearer(site.token(ttl_s=1.99))
    opened = await site.http.post("/api/desks/main/http", content=HELLO, headers=headers)
    viewer = PlainViewer(site, opened, headers)
    await viewer.take()
    answer = await viewer.poll()
    assert (answer.status_code, answer.json()["code"]) == (410, CloseCode.UNAUTHORIZED)
    assert (await viewer.poll()).status_code == 401


async def test_limits_are_those_of_the_websocket(start: Start, capture: FakeCapture) -> None:
    site = await start(message_rate=1, message_burst=10, bad_message_limit=3, max_viewers=2)
    await site.ready("main")
    fast = await join(site)
    answer = await fast.give(*[KEY_A] * 11)
    assert (answer.status_code, answer.json()["code"]) == (410, CloseCode.TOO_FAST)
    assert len(keys(capture)) <= 10
    bad = await join(site)
    answer = await bad.give(b"\xff", "nonsense", b"")
    assert answer.json()["code"] == CloseCode.BAD_MESSAGE
    large = await join(site)
    answer = await large.give(bytes(binary.MAX_VIEWER_MESSAGE_BYTES + 1))
    assert answer.json()["code"] == CloseCode.BAD_MESSAGE
    larger = await join(site)
    assert (await larger.give(body=bytes(3 << 20))).status_code == 413
    await join(site, name="viewer-1")
    third = await site.http.post(
        "/api/desks/main/http",
        content=control.Hello("viewer-2", True, False).encode(),
        headers=site.bearer(),
    )
    assert (third.status_code, third.json()["code"]) == (503, CloseCode.TRY_LATER)
    assert site.connected == 2


async def test_the_end_of_the_gateway_is_told(polls: list[int], site: Site) -> None:
    viewer = await join(site)
    await viewer.take()
    held = await held_poll(viewer, polls)
    await site.stop()
    assert (await held).json()["code"] == CloseCode.GOING_AWAY


async def test_any_body_harms_nobody_else(start: Start, capture: FakeCapture) -> None:
    site = await start(bad_message_limit=1_000_000)
    await site.ready("main")
    witness = await join(site, name="witness0")
    loop = asyncio.get_running_loop()

    async def throw(body: bytes, first: str, after: str) -> None:
        attacker = await join(site, name="attacker")
        with contextlib.suppress(httpx.HTTPError):
            for number, content in (("1", body), (first, body)):
                answer = await site.http.post(
                    attacker.path,
                    params={"first": number},
                    content=content,
                    headers=attacker.headers,
                )
                assert answer.status_code in (200, 400, 409, 410)
            answer = await site.http.get(
                attacker.path, params={"after": after}, headers=attacker.headers
            )
            assert answer.status_code in (200, 400, 409, 410)
        assert (await witness.give(binary.Ping(1, 1))).status_code == 200

    bodies = st.binary(max_size=60) | st.lists(st.binary(max_size=9) | st.text(max_size=9)).map(
        batches.encode
    )
    numbers = st.integers(-5, 5).map(str) | st.text(max_size=20) | st.just("9" * 30)

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(bodies | st.just(struct.pack("<IB", 2**32 - 1, 1)), numbers, numbers)
    def attack(body: bytes, first: str, after: str) -> None:
        asyncio.run_coroutine_threadsafe(throw(body, first, after), loop).result(20)

    await asyncio.to_thread(attack)
    await witness.take()
