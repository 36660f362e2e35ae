"""Another codec, with few capabilities, in every part that makes a stream.

It is VP8 by libvpx: no live bitrate, and no limit for the size of a unit. Only `vp8.py` knows it.
"""

import asyncio

import numpy as np

from fanlight_common.core.geometry import Rect
from fanlight_common.core.names import Rendition
from fanlight_encoder.codecs import names
from fanlight_encoder.codecs.registry import choose
from fanlight_encoder.core.unit_kinds import UnitKind
from fanlight_encoder.settings import EncoderSettings
from fanlight_encoder.units.pipeline import Pipeline
from tests.encoder.codecs.vp8 import VP8
from tests.encoder.desk import Desk, Road, Source
from tests.encoder.fakes import STREAM, Bench
from tests.encoder.pictures import decode, patches, rgb, text, worst_patch_error
from tests.encoder.viewer import Viewer

PARAMS = EncoderSettings().stream_params(Rendition.HIGH)
WIDTH, HEIGHT = 320, 200


def test_it_is_taken_where_nothing_else_is() -> None:
    assert choose(names.AUTO, (VP8,), PARAMS) is VP8


def test_the_pipeline_opens_it_anew_where_the_rate_is_another() -> None:
    it, desk = Pipeline(STREAM, PARAMS, VP8, VP8), Desk(WIDTH, HEIGHT)
    desk.pixels[:] = patches(WIDTH, HEIGHT)
    it.load(Source(), desk.grab())
    rates = (16_000, 15_000, 4_000, 5_000, 16_000)
    made = [it.encode(kbps, 1000, idr=False) for kbps in rates]
    assert [unit.idr for unit in made] == [True, False, True, False, True]
    # It also makes an IDR when one is asked for.
    assert it.encode(16_000, 1000, idr=True).idr
    assert not made[0].sharp, "it tells no quantiser on H.264's scale"
    (picture, *_) = decode([unit.payload for unit in made[:2]], "vp8")
    assert worst_patch_error(rgb(picture, tagged=False), WIDTH, HEIGHT) <= 8


def test_a_desk_gets_sharp_with_it_and_stays_so() -> None:
    desk, viewer = Desk(WIDTH, HEIGHT), Viewer(WIDTH, HEIGHT, "vp8")
    road = Road(kbps=2000, viewer=viewer, codec=VP8)
    letters = text(WIDTH, HEIGHT)
    road.show(desk.grab())
    noise = np.random.default_rng(1)
    for _ in range(30):
        desk.pixels[:150] = noise.integers(0, 255, desk.pixels[:150].shape, np.uint8)
        road.show(desk.grab(Rect(0, 0, WIDTH, 150)))
        road.run(road.now + 1 / 30)
    assert UnitKind.DELTA in {sent.kind for sent in road.sent}
    # Nobody can set the size of its units, so nobody waits until the link can carry a certain size.
    assert road.schedule.least_bytes == 0
    desk.pixels[:] = letters
    road.show(desk.grab(Rect(0, 0, WIDTH, HEIGHT)))
    road.run(road.now + 30)
    assert (viewer.shown == letters[..., 2::-1]).all()
    # The link had the time to carry all units, however large they are.
    sent, seconds = sum(unit.size_bytes for unit in road.sent), road.now - 100
    assert sent <= seconds * 2000 * 125


async def test_a_service_encodes_a_stream_with_it(bench: Bench) -> None:
    await bench.start((VP8,), patches=False, constants={"repeat_interval_s": 1.0})
    gateway = await bench.watch()
    await bench.capture.show(patches(320, 240))
    units = [await gateway.next()]
    for number in range(5):
        await bench.capture.show(text(320, 240, number))
        units.append(await gateway.next())
    assert [unit.idr for unit in units] == [True, *[False] * 5]
    pictures = await asyncio.to_thread(decode, [unit.payload for unit in units], "vp8")
    assert worst_patch_error(rgb(pictures[0], tagged=False), 320, 240) <= 8
    assert bench.worker.healthy()[1]["codec"] == "libvpx"
