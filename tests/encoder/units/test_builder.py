"""Patches and video together, as a viewer sees them that composes them as the browser does."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fanlight_common.core.errors import FrameLostError
from fanlight_common.core.geometry import Rect, bounding_box
from fanlight_common.core.names import Rendition
from fanlight_common.protocol.frames import Frame
from fanlight_encoder.core.unit_kinds import UnitKind, UnitLimits
from fanlight_encoder.settings import EncoderSettings
from fanlight_encoder.units.builder import UnitAllowance
from tests.encoder.desk import Desk, Road, Sent, Source
from tests.encoder.pictures import Pixels, text
from tests.encoder.viewer import Viewer

WIDTH, HEIGHT = 320, 200
COLOURS = np.array(
    [[0, 0, 0, 0], [255, 255, 255, 0], [200, 60, 20, 0], [40, 160, 240, 0]], np.uint8
)
RECTS = st.builds(
    lambda x, y, width, height: Rect(x, y, min(width, WIDTH - x), min(height, HEIGHT - y)),
    st.integers(0, WIDTH - 1),
    st.integers(0, HEIGHT - 1),
    st.integers(1, WIDTH),
    st.integers(1, HEIGHT),
)
DRAWINGS = st.lists(
    st.tuples(
        st.sampled_from(["fill", "text", "scroll", "noise", "nothing", "idr"]),
        RECTS,
        st.integers(0, 3),
        st.sampled_from([0.0, 0.016, 0.05, 0.3]),
    ),
    min_size=1,
    max_size=25,
)
LETTERS = text(WIDTH, HEIGHT)


def draw(pixels: Pixels, what: str, rect: Rect, number: int) -> None:
    """Draw something in `rect`, mostly of few colours."""
    area = pixels[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width]
    if what == "fill":
        area[:] = COLOURS[number]
    elif what == "text":
        area[:] = np.roll(LETTERS, 14 * number, axis=0)[: rect.height, : rect.width]
    elif what == "scroll":
        area[:] = np.roll(area, -7 * (number + 1), axis=0)
    elif what == "noise":
        # This becomes video. Something that can be compared is drawn over it later.
        area[:] = np.random.default_rng(number).integers(0, 255, area.shape, np.uint8)


def rgb_of(pixels: Pixels) -> Pixels:
    return pixels[..., 2::-1]


@settings(max_examples=40, deadline=None)
@given(DRAWINGS, st.sampled_from(["main/high", "main/half", "main/low"]), st.booleans())
def test_after_things_settle_a_viewer_sees_the_very_pixels(
    drawings: list[tuple[str, Rect, int, float]], stream: str, thin: bool
) -> None:
    desk, viewer = Desk(WIDTH, HEIGHT), Viewer(WIDTH, HEIGHT)
    desk.pixels[:] = LETTERS
    road = Road(stream, 500 if thin else 16_000, viewer=viewer)
    road.show(desk.grab())
    for what, rect, number, wait in drawings:
        if what == "idr":
            road.schedule.idr.request()
        else:
            draw(desk.pixels, what, rect, number)
            # The damage may be larger than the change, as an X server's is.
            road.show(desk.grab(rect))
        road.run(road.now + wait)
    # Pictures that are left would stay lossy, so text is drawn over them.
    desk.pixels[:] = LETTERS
    road.show(desk.grab(Rect(0, 0, WIDTH, HEIGHT)))
    road.run(road.now + 30)
    assert (viewer.shown == rgb_of(desk.pixels)).all()
    # After that nothing more is sent.
    before = len(road.sent)
    road.run(road.now + 5)
    assert len(road.sent) == before


def nearest(shown: Pixels, once: list[Pixels]) -> NDArray[np.int64]:
    """Return how far each pixel is from the nearest of all pictures, in its worst channel."""
    wide = shown.astype(int)
    distances = [np.abs(wide - rgb_of(picture).astype(int)).max(axis=2) for picture in once]
    best: NDArray[np.int64] = np.min(distances, axis=0)
    return best


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["fill", "scroll"]),
            RECTS,
            st.integers(0, 3),
            st.sampled_from([0, 0.05, 0.2]),
        ),
        min_size=1,
        max_size=15,
    )
)
def test_a_viewer_never_sees_what_was_never_there(
    drawings: list[tuple[str, Rect, int, float]],
) -> None:
    desk, viewer = Desk(WIDTH, HEIGHT), Viewer(WIDTH, HEIGHT)
    # There are only two greys, far apart and in blocks, so that video is near the one or the other.
    desk.pixels[:] = COLOURS[1]
    road = Road(viewer=viewer)
    once = [desk.pixels.copy()]
    road.show(desk.grab())
    for what, rect, number, wait in drawings:
        draw(desk.pixels, what, rect, number % 2)
        once.append(desk.pixels.copy())
        road.show(desk.grab(rect))
        for _ in road.steps(road.now + wait):
            assert nearest(viewer.shown, once).max() <= 60


def test_text_in_place_of_a_picture_that_was_not_refined_yet_gets_sharp() -> None:
    desk, viewer = Desk(WIDTH, HEIGHT), Viewer(WIDTH, HEIGHT)
    desk.pixels[:] = LETTERS
    road = Road(kbps=500, viewer=viewer)
    road.show(desk.grab())
    noise = Rect(0, 0, 14, 61)
    draw(desk.pixels, "noise", noise, 0)
    road.show(desk.grab(noise))
    road.run(road.now + 0.3)
    desk.pixels[:] = LETTERS
    road.show(desk.grab(Rect(0, 0, WIDTH, HEIGHT)))
    road.run(road.now + 30)
    assert (viewer.shown == rgb_of(desk.pixels)).all()


def settled(stream: str = "main/high", kbps: int = 16_000) -> tuple[Desk, Road]:
    desk = Desk(WIDTH, HEIGHT)
    desk.pixels[:] = LETTERS
    road = Road(stream, kbps, viewer=Viewer(WIDTH, HEIGHT))
    road.show(desk.grab())
    road.run(road.now + 10)
    road.sent.clear()
    return desk, road


def test_a_glyph_is_a_small_patch_whatever_box_of_damage_it_came_in() -> None:
    desk, road = settled()
    desk.pixels[50:60, 70:78] = 255
    road.show(desk.grab(Rect(0, 30, 300, 100)))
    road.run(road.now + 1)
    (sent,) = road.sent
    assert (sent.kind, sent.fresh) == (UnitKind.PATCH, True)
    assert sent.size_bytes < 150


def test_scrolling_is_a_copy_and_the_new_line() -> None:
    desk, road = settled()
    desk.pixels[:-14] = desk.pixels[14:].copy()
    desk.pixels[-14:] = np.roll(LETTERS, 28, axis=0)[:14]
    road.show(desk.grab(Rect(0, 0, WIDTH, HEIGHT)))
    road.run(road.now + 1)
    (sent,) = road.sent
    assert sent.kind is UnitKind.PATCH
    assert sent.size_bytes < 2500
    assert road.viewer is not None
    assert (road.viewer.shown == rgb_of(desk.pixels)).all()


def test_scrolling_is_found_although_a_clock_ticks_in_the_same_box_of_damage() -> None:
    desk, road = settled()
    desk.pixels[0:8, 0:20] = 255
    inside = desk.pixels[40:, 160:]
    inside[:-14] = inside[14:].copy()
    road.show(desk.grab(Rect(0, 0, WIDTH, HEIGHT)))
    road.run(road.now + 1)
    (sent,) = road.sent
    assert sent.kind is UnitKind.PATCH
    assert sent.size_bytes < 2500
    assert road.viewer is not None
    assert (road.viewer.shown == rgb_of(desk.pixels)).all()


def test_damage_that_changed_nothing_is_nothing() -> None:
    desk, road = settled()
    road.show(desk.grab(Rect(0, 0, WIDTH, HEIGHT)))
    road.run(road.now + 1)
    assert [sent.kind for sent in road.sent] == [UnitKind.NOTHING]


def test_a_moving_picture_is_video_and_tried_less_and_less() -> None:
    desk, road = settled()
    for number in range(120):
        draw(desk.pixels, "noise", Rect(20, 20, 200, 150), number)
        road.show(desk.grab(Rect(20, 20, 200, 150)))
        road.run(road.now + 1 / 30)
    fresh = [sent.kind for sent in road.sent if sent.fresh]
    assert fresh == [UnitKind.DELTA] * 120
    repeats = [sent for sent in road.sent if not sent.fresh]
    assert len(repeats) <= 2 * 6
    assert not any(sent.refined for sent in road.sent)


def played(stream: str, *rects: Rect, count: int = 60) -> list[Sent]:
    """Play video in these places. Returns the units of new pictures."""
    desk, road = settled(stream)
    for number in range(count):
        for rect in rects:
            draw(desk.pixels, "noise", rect, number)
        road.show(desk.grab(*rects))
        road.run(road.now + 1 / 30)
    road.run(road.now + 0.5)
    assert all(sent.areas == () for sent in road.sent if not sent.fresh)
    return [sent for sent in road.sent if sent.fresh]


def test_video_is_painted_where_it_moves_and_now_and_then_everywhere() -> None:
    clip, clock = Rect(20, 20, 200, 150), Rect(280, 0, 40, 12)
    sent = played("main/high", clip, clock)
    assert {each.kind for each in sent} == {UnitKind.DELTA}
    assert {frozenset(each.areas) for each in sent} == {frozenset({clip, clock}), frozenset()}
    # A picture that was sent once more was painted everywhere as well.
    assert sum(each.areas == () for each in sent) <= 60 // 13
    assert any(each.areas == () for each in sent[30:])


def test_what_moves_in_too_many_places_is_painted_around_them() -> None:
    rects = [Rect(40 * n, 30 * (n % 2), 20, 20) for n in range(8)] + [Rect(0, 190, 20, 10)]
    sent = played("main/high", *rects, count=2)
    assert all(each.areas == () or len(each.areas) <= 8 for each in sent)
    assert sent[0].areas in ((bounding_box(rects),), ())


@pytest.mark.parametrize(
    ("stream", "rect"), [("main/half", Rect(20, 20, 100, 90)), ("main/high", Rect(0, 0, 320, 180))]
)
def test_scaled_video_and_that_of_nearly_all_is_painted_everywhere(stream: str, rect: Rect) -> None:
    assert {each.areas for each in played(stream, rect, count=5)} == {()}


@pytest.mark.parametrize(("stream", "kbps"), [("main/low", 300), ("main/half", 1000)])
def test_no_unit_is_larger_than_the_link_carries_in_a_moment(stream: str, kbps: int) -> None:
    desk, road = settled(stream, kbps)
    for number in range(60):
        draw(desk.pixels, "text" if number < 30 else "noise", Rect(0, 0, 300, 190), number)
        road.show(desk.grab(Rect(0, 0, 300, 190)))
        road.run(road.now + 1 / 60)
    road.run(road.now + 10)
    per_s = kbps * 125
    assert max(sent.size_bytes for sent in road.sent if not sent.refined) <= per_s * 0.1
    # A refinement has at least one tile.
    assert max(sent.size_bytes for sent in road.sent if sent.refined) <= max(
        per_s * UnitLimits().refine_s * 1.5, 6000
    )


def test_refinement_goes_on_although_a_clock_ticks() -> None:
    desk = Desk(WIDTH, HEIGHT)
    desk.pixels[:] = LETTERS
    road = Road("main/half", 500, viewer=Viewer(WIDTH, HEIGHT))
    for number in range(240):
        desk.pixels[0:12, 0:100] = COLOURS[number % 4]
        road.show(desk.grab(Rect(0, 0, 100, 12)))
        road.run(road.now + 1 / 60)
    road.run(road.now + 0.1)
    assert road.viewer is not None
    assert (road.viewer.shown == rgb_of(desk.pixels)).all()


def test_after_a_long_time_without_room_a_keystroke_is_still_a_patch() -> None:
    desk, road = settled()
    for number in range(20):  # a frame tells the damage of fewer frames
        desk.pixels[50:60, 70 : 72 + number] = 255
        frame = desk.grab(Rect(70, 50, 100, 10))
    road.show(frame)
    road.run(road.now + 1)
    (sent,) = road.sent
    assert (sent.kind, sent.fresh) == (UnitKind.PATCH, True)
    assert sent.size_bytes < 150


def test_a_newer_size_is_video_again() -> None:
    _, road = settled()
    other = Desk(200, 120)
    other.pixels[:] = LETTERS[:120, :200]
    frame = other.grab()
    made = road.builder.fresh(
        Source(), frame, UnitAllowance(16_000, 100_000), idr=False, may_patch=True
    )
    assert made.kind is UnitKind.IDR
    assert road.builder.size.width == 200


class Torn(Source):
    """Memory that is overwritten while it is read."""

    def check(self, frame: Frame) -> None:
        raise FrameLostError("overwritten")


def test_a_torn_frame_spoils_nothing_that_is_sent_later() -> None:
    desk, road = settled()
    allowance = UnitAllowance(16_000, 100_000)
    whole = desk.pixels.copy()
    desk.pixels[:100] = 77
    torn = desk.grab(Rect(0, 0, WIDTH, 100))
    with pytest.raises(FrameLostError):
        road.builder.fresh(Torn(), torn, allowance, idr=False, may_patch=True)
    # Nothing is refined by a frame that was overwritten while it was read.
    assert road.builder.refine(allowance).kind is UnitKind.NOTHING
    desk.pixels[:] = whole
    desk.pixels[5, 5] = 1
    frame = desk.grab(Rect(5, 5, 1, 1))
    made = road.builder.fresh(Source(), frame, allowance, idr=False, may_patch=True)
    assert made.kind is UnitKind.DELTA, "all of it, for nobody knows what viewers lack"
    # The shadow is not brought up to date by such a frame either.
    road.builder.again(Torn(), allowance, idr=False)
    assert road.builder.refine(allowance).kind is UnitKind.NOTHING
    road.builder.again(Source(), allowance, idr=False)
    assert road.builder.refine(allowance).kind is UnitKind.PATCH


def test_with_patches_off_there_are_none() -> None:
    desk = Desk(WIDTH, HEIGHT)
    road = Road(params=EncoderSettings(patches=False).stream_params(Rendition.HIGH))
    for number in range(5):
        draw(desk.pixels, "fill", Rect(0, 0, 10, 10), number % 4)
        road.show(desk.grab(Rect(0, 0, 10, 10)))
        road.run(road.now + 2)
    assert UnitKind.PATCH not in {sent.kind for sent in road.sent}


def test_a_patch_is_never_larger_than_its_cap() -> None:
    assert UnitAllowance(10**6, 1).patch_bytes == UnitLimits().patch_bytes


def test_a_small_change_is_made_at_once_and_what_is_refused_is_not_tried_again() -> None:
    desk, road = settled()
    allowance = UnitAllowance(16_000, 100_000)
    road.builder.fresh(Source(), desk.grab(), allowance, idr=False, may_patch=True)
    desk.pixels[50:60, 70:78] = 255
    made = road.builder.small(Source(), desk.grab(Rect(60, 40, 40, 30)), allowance)
    assert made is not None
    assert made.kind is UnitKind.PATCH
    # A large box is not small, whatever is in it, because to compare it may take long.
    desk.pixels[50:60, 70:78] = 0
    frame = desk.grab(Rect(0, 0, 200, 100))
    assert road.builder.small(Source(), frame, allowance) is None
    assert (
        road.builder.fresh(Source(), frame, allowance, idr=False, may_patch=True).kind
        is UnitKind.PATCH
    )
    draw(desk.pixels, "noise", Rect(20, 20, 40, 40), 1)
    frame = desk.grab(Rect(20, 20, 40, 40))
    thin = UnitAllowance(100, 100_000)
    assert road.builder.small(Source(), frame, thin) is None
    made = road.builder.fresh(Source(), frame, thin, idr=False, may_patch=True)
    assert (made.kind, made.refused) == (UnitKind.DELTA, True)
