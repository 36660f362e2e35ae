"""Patches that are painted one after the other give the desk's own pixels, in the end sharp."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fanlight_common.core.geometry import Rect, Size
from fanlight_common.core.sharpness import TILE, SharpnessLedger
from fanlight_common.patching.images import Effort
from fanlight_common.patching.pixels import part
from fanlight_common.protocol import patch
from fanlight_screenshot.images import patches
from fanlight_screenshot.images.patches import Means
from tests.screenshot.canvas import Canvas, Drawing

WIDTH, HEIGHT = 300, 200
PLENTY = Means(85, 1.0, 10_000_000, 10_000_000, Effort.FAST)
LITTLE = Means(50, 0.5, 3000, 3000, Effort.SMALL)
NOWHERE = bytes(5 * 4)
EVERYWHERE = bytes([1]) * len(NOWHERE)
"""The desk has 5 x 4 tiles."""


def sharp(width: int = WIDTH, height: int = HEIGHT) -> SharpnessLedger:
    return SharpnessLedger(Size(width, height))


def nowhere(ledger: SharpnessLedger) -> bytes:
    return bytes(len(ledger.states))


def everywhere(ledger: SharpnessLedger) -> bytes:
    return bytes([1]) * len(ledger.states)


places = st.builds(
    lambda x, y, w, h: Rect(x, y, min(w, WIDTH - x), min(h, HEIGHT - y)),
    st.integers(0, WIDTH - 1),
    st.integers(0, HEIGHT - 1),
    st.integers(1, WIDTH),
    st.integers(1, HEIGHT),
)
strokes = st.tuples(places, st.sampled_from(["text", "scroll", "invert", "nothing"]))


def draw(drawing: Drawing, rect: Rect, how: str) -> None:
    view = part(drawing.pixels, rect)
    if how == "text":
        view[...] = drawing.text(rect.height, rect.width)
    elif how == "scroll":
        shift = min(17, rect.height - 1)
        view[: rect.height - shift] = view[shift:].copy()
    elif how == "invert":
        view[...] = 255 - view


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.lists(strokes, max_size=4), min_size=1, max_size=4),
    st.booleans(),
    st.booleans(),
    st.integers(0, 99),
)
def test_patches_yield_the_pixels_of_the_desk(
    steps: list[list[tuple[Rect, str]]], knows_damage: bool, keeps_base: bool, seed: int
) -> None:
    drawing, canvas = Drawing(WIDTH, HEIGHT, seed), Canvas(WIDTH, HEIGHT)
    first = patches.build(None, drawing.pixels, None, sharp(), NOWHERE, PLENTY)
    assert first is not None
    canvas.paint(first.data)
    assert canvas.shows(drawing.pixels)
    for step in steps:
        before = drawing.pixels.copy()
        for rect, how in step:
            draw(drawing, rect, how)
        damage = tuple(rect for rect, _ in step) if knows_damage else None
        built = patches.build(
            before if keeps_base else None,
            drawing.pixels,
            damage,
            sharp(),
            NOWHERE,
            PLENTY,
        )
        assert built is not None or (before == drawing.pixels).all()
        if built is not None:
            canvas.paint(built.data)
            assert not built.ledger.blurry
        assert canvas.shows(drawing.pixels)


@settings(deadline=None, max_examples=25)
@given(st.lists(strokes, min_size=1, max_size=6), st.integers(0, 99))
def test_whatever_was_coarse_becomes_sharp(steps: list[tuple[Rect, str]], seed: int) -> None:
    drawing, canvas, ledger = Drawing(WIDTH, HEIGHT, seed), Canvas(WIDTH, HEIGHT), sharp()
    before = None
    for rect, how in steps:
        built = patches.build(before, drawing.pixels, None, ledger, NOWHERE, LITTLE)
        if built is not None:
            canvas.paint(built.data)
            ledger = built.ledger
        before = drawing.pixels.copy()
        draw(drawing, rect, how)
    for _ in range(100):
        built = patches.build(before, drawing.pixels, None, ledger, EVERYWHERE, LITTLE)
        if built is None:
            break
        assert len(built.data) < 12_000
        canvas.paint(built.data)
        ledger, before = built.ledger, drawing.pixels
    assert not ledger.blurry
    assert canvas.shows(drawing.pixels)


def test_a_keystroke_costs_a_few_hundred_bytes() -> None:
    drawing = Drawing(1920, 1080)
    before = drawing.pixels.copy()
    draw(drawing, Rect(700, 500, 9, 17), "invert")
    ledger = sharp(1920, 1080)
    damage = (Rect(0, 0, 1920, 1080),)  # The damage that X reports is often too large.
    built = patches.build(before, drawing.pixels, damage, ledger, nowhere(ledger), LITTLE)
    assert built is not None
    assert len(built.data) < 300


def test_a_scroll_is_a_copy_and_the_new_lines() -> None:
    drawing = Drawing(900, 600)
    before = drawing.pixels.copy()
    draw(drawing, Rect(50, 50, 800, 480), "scroll")
    part(drawing.pixels, Rect(50, 513, 800, 17))[...] = drawing.text(17, 800)
    ledger = sharp(900, 600)
    built = patches.build(before, drawing.pixels, None, ledger, nowhere(ledger), LITTLE)
    assert built is not None
    copy, image = patch.decode(built.data)
    assert isinstance(copy, patch.Copy)
    assert (copy.height, copy.from_y - copy.y) == (463, 17)
    assert isinstance(image, patch.Image)
    assert image.height == 17


def test_what_is_copied_from_a_coarse_place_is_coarse() -> None:
    drawing = Drawing(WIDTH, 640)
    before = drawing.pixels.copy()
    drawing.pixels[:448] = drawing.pixels[192:].copy()
    ledger = sharp(WIDTH, 640)
    ledger.blur(Rect(0, 5 * TILE, WIDTH, TILE))
    built = patches.build(before, drawing.pixels, None, ledger, nowhere(ledger), PLENTY)
    assert built is not None
    assert set(range(10, 15)) <= set(built.ledger.unsettled()), "the third row of tiles"


def test_a_picture_is_lossy_beside_sharp_text() -> None:
    drawing = Drawing(640, 480)
    part(drawing.pixels, Rect(128, 128, 256, 192))[...] = drawing.noise(192, 256)
    ledger, means = sharp(640, 480), Means(40, 1, 90_000, 90_000, Effort.SMALL)
    built = patches.build(None, drawing.pixels, None, ledger, nowhere(ledger), means)
    assert built is not None
    assert len(built.ledger.unsettled()) == 12
    canvas = Canvas(640, 480)
    canvas.paint(built.data)
    assert (canvas.pixels[:128] == drawing.pixels[:128, :, 2::-1]).all()
    at_rest = everywhere(ledger)
    for _ in range(20):
        refined = patches.build(drawing.pixels, drawing.pixels, (), built.ledger, at_rest, LITTLE)
        if refined is None:
            break
        built = refined
    assert not built.ledger.blurry


@pytest.mark.parametrize("budget", [3000, 10_000, 30_000])
def test_a_moving_picture_keeps_to_the_budget(budget: int) -> None:
    drawing = Drawing(1280, 720)
    y, x = np.mgrid[0:720, 0:1280]
    smooth = np.stack([128 + 100 * np.sin((x + k * y) / (20 + 9 * k)) for k in range(4)], -1)
    drawing.pixels[...] = smooth + drawing.random.normal(0, 8, smooth.shape)
    ledger = sharp(1280, 720)
    means = Means(70, 1, budget, budget, Effort.SMALL)
    built = patches.build(None, drawing.pixels, None, ledger, nowhere(ledger), means)
    assert built is not None
    assert len(built.data) < 1.4 * budget
    assert len(built.ledger.unsettled()) == 20 * 12


def test_damage_that_changed_nothing() -> None:
    drawing = Drawing(WIDTH, HEIGHT)
    same = drawing.pixels.copy()
    for damage in ((Rect(5, 5, 50, 50),), (Rect(5, 5, 0, 0),), ()):
        built = patches.build(same, drawing.pixels, damage, sharp(), NOWHERE, PLENTY)
        assert built is None
