"""The encoder on a bus: real sockets, real shared memory, real libx264; a fake directory, capture
and gateway. Every test checks, in Gateway.next, that sequences have no gap and times grow."""

import asyncio

import pytest

from fanlight_common.core.geometry import Rect
from fanlight_common.protocol import bus
from fanlight_common.protocol.binary import VideoUnit
from fanlight_encoder import metrics
from tests.encoder.fakes import QUIET, STREAM, Bench, Gateway, keep_showing, until
from tests.encoder.pictures import Pixels, decode, patches, rgb, text, worst_patch_error
from tests.encoder.viewer import Viewer
from tests.metrics import count


async def test_a_picture_arrives_as_it_was_drawn_and_then_there_is_silence(bench: Bench) -> None:
    await bench.start()
    gateway = await bench.watch()
    await bench.capture.show(patches(320, 240))
    first = await gateway.next()
    assert (first.idr, first.epoch, first.sequence) == (True, 1, 1)
    assert (first.width, first.height) == (320, 240)
    # The picture comes twice more, for decoders that hold pictures back. Then patches make it
    # exact.
    for _ in range(2):
        unit = await gateway.next()
        assert not unit.idr
        assert not unit.patch
    while (see(gateway, 320, 240).shown != patches(320, 240)[..., 2::-1]).any():
        assert (await gateway.next()).patch
    before = count(metrics.units, stream=STREAM, kind="patch")
    await bench.a_while()
    assert count(metrics.units, stream=STREAM, kind="patch") == before
    for picture in decode(unit.payload for unit in gateway.units if not unit.patch):
        assert worst_patch_error(rgb(picture), 320, 240) <= 4


def see(gateway: Gateway, width: int, height: int) -> Viewer:
    """Return a viewer that has shown all units so far."""
    viewer = Viewer(width, height)
    for unit in gateway.units:
        if unit.patch:
            viewer.patch(unit.payload)
        else:
            viewer.video(unit.payload, unit.width, unit.height, unit.areas)
    return viewer


async def until_shown(gateway: Gateway, picture: Pixels) -> VideoUnit:
    """Wait until a viewer of all units shows exactly this picture; return the last unit."""
    height, width = picture.shape[:2]
    while True:
        unit = await gateway.next()
        if (see(gateway, width, height).shown == picture[..., 2::-1]).all():
            return unit


@pytest.mark.parametrize("rendition", ["high", "half", "low"])
async def test_a_small_change_is_a_patch_in_every_rendition(bench: Bench, rendition: str) -> None:
    await bench.start()
    gateway = await bench.watch(f"main/{rendition}")
    picture = text(640, 480)
    await bench.capture.show(picture)
    await until_shown(gateway, picture)
    await bench.a_while()
    picture = picture.copy()
    picture[100:110, 200:300] = 255
    shown = await bench.capture.show(picture, damage=((Rect(190, 90, 130, 30),),))
    unit = await until_shown(gateway, picture)
    assert len(unit.payload) < 500
    assert unit.patch
    assert (unit.width, unit.height) == (640, 480), "the desk's"
    assert shown == 2
    # A new viewer gets an IDR of the present picture, although it was never sent as video.
    await bench.tell(bus.ForceIdr(f"main/{rendition}"))
    unit = await gateway.until(lambda unit: unit.idr)
    later = Viewer(640, 480)
    later.video(unit.payload, unit.width, unit.height, unit.areas)
    assert (later.shown[103:107, 210:290] > 200).all()
    # The encoder also keeps to the rate that a gateway asks for.
    await bench.tell(bus.StreamDemand(f"main/{rendition}", "g", True, 400, True))
    name = f"main/{rendition}"
    await until(lambda: count(metrics.rate_kbps, stream=name) == 400.0)


async def test_keyframes_go_on_although_nothing_changes(bench: Bench) -> None:
    await bench.start()
    gateway = await bench.watch("main/keyframes")
    await bench.capture.show(patches(320, 240))
    units = [await gateway.next() for _ in range(3)]
    assert all(unit.idr for unit in units)
    for unit in units:
        (picture,) = decode([unit.payload])
        assert worst_patch_error(rgb(picture), 320, 240) <= 4


async def test_one_process_encodes_several_streams(bench: Bench) -> None:
    await bench.start(**QUIET)
    high = await bench.watch()
    keyframes = await bench.watch("main/keyframes")
    both = {bus.HeldStream(STREAM, 1), bus.HeldStream("main/keyframes", 1)}
    await bench.until_offer(lambda beat: set(beat.streams) == both)
    # The second feed subscribes a little later than the first.
    showing = asyncio.create_task(keep_showing(bench))
    await high.next()
    await keyframes.next()
    await bench.until_offer(lambda beat: beat.load > 0)
    showing.cancel()


@pytest.mark.parametrize("size", [(640, 480), (321, 239)])
async def test_a_resize_is_an_idr_of_the_new_size(bench: Bench, size: tuple[int, int]) -> None:
    await bench.start(**QUIET)
    gateway = await bench.watch()
    await bench.capture.show(patches(320, 240))
    await gateway.next()
    await bench.capture.show(patches(*size))
    unit = await gateway.next()
    assert unit.idr
    assert (unit.width, unit.height) == size
    assert (unit.epoch, unit.sequence) == (1, 2)
    (picture,) = decode([unit.payload])
    assert (picture.width, picture.height) == (size[0] + size[0] % 2, size[1] + size[1] % 2)
    assert worst_patch_error(rgb(picture), *size) <= 4


async def test_a_desk_too_large_is_scaled_down(bench: Bench) -> None:
    await bench.start(**QUIET, max_width=160, max_height=160)
    gateway = await bench.watch()
    await bench.capture.show(patches(320, 240))
    unit = await gateway.next()
    assert (unit.width, unit.height) == (160, 120)


async def test_the_same_picture_again_is_not_encoded_again(bench: Bench) -> None:
    await bench.start(**QUIET)
    gateway = await bench.watch()
    await bench.capture.show(patches(320, 240))
    await gateway.next()
    made = count(metrics.units, stream=STREAM, kind="delta")
    await bench.capture.again(patches(320, 240))
    await bench.a_while()
    assert count(metrics.units, stream=STREAM, kind="delta") == made


async def test_it_stops_in_the_middle_of_it_all(bench: Bench) -> None:
    await bench.start()
    gateway = await bench.watch()
    showing = asyncio.create_task(keep_showing(bench))
    for _ in range(3):
        await gateway.next()
    await bench.stop()
    showing.cancel()
