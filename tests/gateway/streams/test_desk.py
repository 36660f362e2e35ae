"""What goes to the desk and comes back: input in order, pointer, clipboard, and who is there."""

from typing import TypeVar

import pytest

from fanlight_common.core.grants import Role
from fanlight_common.protocol import bus, control, input, topics
from fanlight_common.protocol.binary import PointerPosition, PointerShape
from tests.gateway.clients import VIEWER, Site
from tests.screenshot.fakes import HEIGHT, WIDTH, FakeCapture, FakeDirectory, until

INPUT = [
    input.Key(True, 4),
    input.PointerMove(1, 2),
    input.PointerButton(True, 0, (3, 4)),
    input.PointerButton(False, 0, None),
    input.Wheel(0, 120, None),
    input.PointerMoveRelative(-1, 1),
    input.Text("h\u00e9"),
    input.Key(False, 4),
]


T = TypeVar("T")


def of_kind(capture: FakeCapture, kind: type[T]) -> list[T]:
    return [message for message in capture.told if isinstance(message, kind)]


async def test_input_goes_to_the_desk_in_order_as_it_came(site: Site, capture: FakeCapture) -> None:
    async with site.viewer() as viewer:
        for message in INPUT * 20:
            await viewer.send(message)
        await until(lambda: len(of_kind(capture, bus.Input)) == 20 * len(INPUT))
        told = of_kind(capture, bus.Input)
        assert [m.message for m in told] == [m.encode() for m in INPUT] * 20
        assert [m.sequence for m in told] == list(range(1, len(told) + 1))
        assert {m.desk for m in told} == {"main"}
        (name,) = {m.viewer for m in told}
        assert name.startswith(VIEWER)
    await until(lambda: of_kind(capture, bus.ReleaseViewer))
    assert of_kind(capture, bus.ReleaseViewer) == [bus.ReleaseViewer("main", name, "left")]


async def test_two_connections_of_a_viewer_are_two_on_the_bus(
    site: Site, capture: FakeCapture
) -> None:
    for _ in range(2):
        async with site.viewer() as viewer:
            await viewer.send(INPUT[0])
            await viewer.ping()
    await until(lambda: len(of_kind(capture, bus.Input)) == 2)
    assert len({m.viewer for m in of_kind(capture, bus.Input)}) == 2


async def test_view_only_is_enforced_here(site: Site, capture: FakeCapture) -> None:
    async with site.viewer(Role.VIEW) as viewer:
        for message in INPUT:
            await viewer.send(message)
        await viewer.send(control.Clipboard("mine"))
        await viewer.send(control.SetFocus(False))
        await viewer.ping()
        error = await viewer.get(control.Error)
        assert error.code == "view_only"
        assert len(viewer.all(control.Error)) == 1  # the viewer is told once a second
    async with site.viewer() as other:  # its message is the first that the desk gets
        await other.send(INPUT[0])
        await until(lambda: capture.told)
        assert isinstance(capture.told[0], bus.Input)
        assert len(of_kind(capture, bus.Input)) == 1


async def test_focus_and_life(site: Site, capture: FakeCapture) -> None:
    async with site.viewer() as viewer:
        await viewer.send(control.SetFocus(True))
        await viewer.send(control.SetFocus(False))
        for _ in range(5):
            await viewer.ping()
        await until(lambda: of_kind(capture, bus.ViewerAlive))
        assert [m.reason for m in of_kind(capture, bus.ReleaseViewer)] == ["blur"]
        assert len(of_kind(capture, bus.ViewerAlive)) == 1  # told at most once a second


async def test_the_clipboard_both_ways_for_those_in_control(
    site: Site, capture: FakeCapture
) -> None:
    async with site.viewer() as viewer, site.viewer(Role.VIEW, name="viewer-1") as watcher:
        await viewer.send(control.Clipboard("from the viewer"))
        await until(lambda: of_kind(capture, bus.SetClipboard))
        assert of_kind(capture, bus.SetClipboard)[0].text == "from the viewer"
        await until(lambda: topics.events("main") in capture.subscribed)
        capture.event(text=control.Clipboard("from the desk").encode())
        capture.event(binary=PointerPosition(1, 2).encode())
        assert (await viewer.get(control.Clipboard)).text == "from the desk"
        await watcher.get(PointerPosition)
        assert not watcher.all(control.Clipboard)


async def test_pointer_shape_and_position_also_for_who_comes_later(
    site: Site, capture: FakeCapture
) -> None:
    shape = PointerShape(1, 1, 0, 0, b"png")
    async with site.viewer() as viewer:
        await until(lambda: topics.events("main") in capture.subscribed)
        capture.point(shape, PointerPosition(1, 2))
        assert await viewer.get(PointerShape) == shape
        assert await viewer.get(PointerPosition) == PointerPosition(1, 2)
        async with site.viewer(Role.VIEW, name="viewer-1") as later:
            assert await later.get(PointerShape) == shape
            assert await later.get(PointerPosition) == PointerPosition(1, 2)
        capture.announce(size=(0, 0))
        assert (await viewer.get(control.DeskState, 2)).state == "away"
        async with site.viewer(name="viewer-2") as after:  # the pointer was another display's
            await after.ping()
            assert not after.all(PointerShape)


async def test_a_gap_in_the_events_brings_the_present_state(
    site: Site, capture: FakeCapture
) -> None:
    async with site.viewer() as viewer:
        await until(lambda: topics.events("main") in capture.subscribed)
        capture.point(PointerShape(1, 1, 0, 0, b"old"), PointerPosition(1, 1))
        await viewer.get(PointerPosition)
        capture.shape = PointerShape(1, 1, 0, 0, b"missed").encode()
        capture.event(binary=PointerPosition(5, 5).encode(), skip=1)
        await until(lambda: viewer.all(PointerShape)[-1].png == b"missed")
        # Nonsense between the events does no harm.
        capture.outlet.send_multipart([topics.events("main"), b"x", b"y"])
        capture.outlet.send_multipart([topics.events("main"), b"x"])
        capture.event(binary=b"\x99")
        capture.event(binary=PointerPosition(6, 6).encode())
        await until(lambda: viewer.all(PointerPosition)[-1] == PointerPosition(6, 6))


@pytest.mark.parametrize("how", ["away", "gone"])
async def test_a_desk_that_goes_is_waited_for(
    site: Site, capture: FakeCapture, directory: FakeDirectory, how: str
) -> None:
    async with site.viewer() as viewer:
        assert await viewer.get(control.DeskState) == control.DeskState("live", WIDTH, HEIGHT)
        capture.announce(alive=how == "away", size=(0, 0))
        assert (await viewer.get(control.DeskState, 2)).state == how
        await viewer.send(INPUT[0])
        assert (await viewer.get(control.Error)).code == "desk_away"
        await viewer.ping()
        assert not of_kind(capture, bus.Input)
        async with site.viewer(name="viewer-1") as other:  # a viewer that comes now waits, too
            assert (await other.get(control.DeskState)).state == how
            back = FakeCapture(directory, id_="c2")
            back.announce(size=(80, 40))
            for waiting in (viewer, other):
                await until(
                    lambda w=waiting: (
                        w.all(control.DeskState)[-1]  # type: ignore[misc]  # bound
                        == control.DeskState("live", 80, 40)
                    )
                )

            async def arrives() -> bool:  # which it does once the sockets are connected
                await viewer.send(INPUT[0])
                await viewer.ping()
                return bool(of_kind(back, bus.Input))

            await until(arrives)
            assert of_kind(back, bus.Input)[0].sequence == 1
            # A key may have gone up in what was lost, so first of all every key is released.
            first = next(m for m in back.told if isinstance(m, bus.Input | bus.ReleaseViewer))
            assert isinstance(first, bus.ReleaseViewer)
            assert first.reason == "lost"
    await back.close()


async def test_desks_do_not_hear_each_others_input(
    site: Site, capture: FakeCapture, directory: FakeDirectory
) -> None:
    other = FakeCapture(directory, "other", "c2")
    other.announce()
    await site.ready("other")
    async with site.viewer() as viewer:
        await viewer.send(INPUT[0])
        await until(lambda: of_kind(capture, bus.Input))
    assert not other.told
    await other.close()
