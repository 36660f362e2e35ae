"""Draws what desks show: the same pixels in every run, on every machine with DejaVu's fonts.

Each function yields whole pictures (BGRX), RATE a second, with the rectangle that has changed, for
as long as anybody asks. Only the clip ends, after eight seconds.

typing    two windows full of text; a letter every third picture
windows   pages of text of the desk's size, another one every half second
terminal  prints 60 lines a second in most of the desk, white on black
page      a page of text and pictures in a browser's window scrolls by 23 rows a picture
game      a textured floor and sky of the desk's size that turn and rush by, sprites, figures
video     the clip of the age meter, 1280 x 720 in the middle of the two windows
"""

import itertools
from collections.abc import Callable, Iterator

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from bench.age import clip
from fanlight_common.core.geometry import Rect, Size

RATE = 30
SIZE = Size(1920, 1080)
Pixels = NDArray[np.uint8]
Shown = tuple[Pixels, Rect]
"""A picture (height, width, 4), and the rectangle in which it differs from the one before."""

_WORDS = (
    "the of and light window door encoder frame picture when a with is for viewer still present",
    "0x1f return while not self rate bytes 1080 latency link measured under glass letters small",
)
_SHORT_CLIP = (320, 180, 1.0)
_PAPER, _INK = (252, 252, 250), (24, 24, 28)


def whole(size: Size) -> Rect:
    """Return the rectangle of a whole desk."""
    return Rect(0, 0, size.width, size.height)


def bgrx(image: Image.Image) -> Pixels:
    """Return an image's pixels as an X server has them: BGRX."""
    pixels = np.zeros((image.height, image.width, 4), np.uint8)
    pixels[:, :, :3] = np.asarray(image)[:, :, ::-1]
    return pixels


def _words(rng: np.random.Generator, count: int) -> str:
    return " ".join(rng.choice(" ".join(_WORDS).split(), count).tolist())


def text_page(size: Size, seed: int) -> Image.Image:
    """Draw a document in columns, black on white: letters of 9, 11 and 13 pixels, headings."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (size.width, size.height), _PAPER)
    draw = ImageDraw.Draw(image)
    for column, points in enumerate((13, 11, 9)):
        left = 24 + column * size.width // 3
        font = ImageFont.truetype("DejaVuSans.ttf", points)
        heading = ImageFont.truetype("DejaVuSans-Bold.ttf", points + 7)
        top, right = 16, left + size.width // 3 - 40
        while top < size.height:
            if rng.random() < 0.06:
                draw.text((left, top), _words(rng, 3), (20, 60, 130), heading)
                top += points + 18
            colour = (0, 70, 200) if rng.random() < 0.08 else _INK
            line = _words(rng, 24)
            while draw.textlength(line, font) > right - left:
                line = line.rpartition(" ")[0]
            draw.text((left, top), line, colour, font)
            top += round(points * 1.45)
    return image


def desk(size: Size) -> Image.Image:
    """Draw an editor with coloured code, a document beside it, and a bar with buttons."""
    image = Image.new("RGB", (size.width, size.height), (58, 110, 165))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, size.height - 36, size.width, size.height), fill=(40, 42, 48))
    for number in range(8):
        left = 12 + 46 * number
        draw.ellipse((left, size.height - 32, left + 28, size.height - 4), (40 * number, 160, 90))
    half = Size(size.width // 2 - 30, size.height - 110)
    document = text_page(Size(half.width * 3 // 2, half.height), 1)
    image.paste(document.crop((0, 0, half.width, half.height)), (size.width // 2 + 10, 50))
    draw.rectangle((20, 50, 20 + half.width, 50 + half.height), fill=(30, 31, 36))
    for left in (20, size.width // 2 + 10):
        draw.rectangle((left, 26, left + half.width, 50), fill=(214, 216, 220))
        draw.text(
            (left + 8, 30), "fanlight - main.py", _INK, ImageFont.truetype("DejaVuSans.ttf", 12)
        )
    font = ImageFont.truetype("DejaVuSansMono.ttf", 12)
    colours = ((220, 220, 220), (150, 200, 120), (230, 150, 110), (120, 170, 240))
    rng = np.random.default_rng(2)
    for line in range((half.height - 8) // 17):
        left = 62 + 28 * int(rng.integers(0, 4))
        draw.text((28, 54 + 17 * line), f"{line + 1:3d}", (110, 112, 120), font)
        for word in _words(rng, int(rng.integers(0, 11))).split():
            end = left + int(draw.textlength(word + " ", font))
            if end > half.width:
                break
            draw.text((left, 54 + 17 * line), word, colours[rng.integers(0, 4)], font)
            left = end
    return image


def typing(size: Size) -> Iterator[Shown]:
    """Yield two windows full of text; every third picture has one more letter."""
    image = desk(size)
    draw, font = ImageDraw.Draw(image), ImageFont.truetype("DejaVuSansMono.ttf", 12)
    yield bgrx(image), whole(size)
    left, top = 62, 54 + 17 * 20
    draw.rectangle((left, top, size.width // 2 - 30, top + 16), fill=(30, 31, 36))
    box = Rect(left, top, size.width // 2 - 30 - left, 17)
    for number in itertools.count(1):
        if number % 3 == 0:
            letter = "def encode(picture): "[number // 3 % 21]
            draw.text((left, top), letter, (220, 220, 220), font)
            left += 7
            if left > size.width // 2 - 60:
                left = 62
        yield bgrx(image), box


def windows(size: Size) -> Iterator[Shown]:
    """Yield pages of text of the size of the desk; every half second another page comes."""
    pages = [bgrx(text_page(size, seed)) for seed in range(4)]
    for number in itertools.count():
        yield pages[number // (RATE // 2) % len(pages)], whole(size)


def terminal(size: Size) -> Iterator[Shown]:
    """Yield a terminal that covers most of the desk and prints two lines a picture."""
    columns, rows, row_px = size.width // 7 - 30, size.height // 17 - 8, 17
    picture = bgrx(desk(size))
    font = ImageFont.truetype("DejaVuSansMono.ttf", 12)
    box = Rect(100, 60, columns * 7, rows * row_px)
    view = picture[box.y : box.y + box.height, box.x : box.x + box.width]
    view[:] = bgrx(Image.new("RGB", (box.width, box.height), (12, 12, 12)))
    for number in itertools.count():
        # The first picture fills the window; each later one has two new lines.
        for line in range(rows if number == 0 else 2):
            text = " ".join(f"{(number + 7 * line) * k * 7919 % 99991:05d}" for k in range(1, 60))
            strip = Image.new("RGB", (box.width, row_px), (12, 12, 12))
            ImageDraw.Draw(strip).text((2, 1), text[: columns - 1], (230, 230, 230), font)
            view[:-row_px] = view[row_px:].copy()
            view[-row_px:] = bgrx(strip)
        yield picture.copy(), whole(size) if number == 0 else box


def page(size: Size) -> Iterator[Shown]:
    """Yield a browser's page of text and pictures that scrolls by 23 rows a picture."""
    left, top, width, height = 200, 90, size.width - 400, size.height - 130
    long = text_page(Size(width, 4 * height), 3)
    rng = np.random.default_rng(4)
    for number in range(12):
        # This is like a photograph in its numbers: smooth, with grain.
        small = rng.integers(0, 255, (9, 12, 3), np.uint8)
        photo = Image.fromarray(small).resize((420, 260), Image.Resampling.BICUBIC)
        grain = rng.normal(0, 6, (260, 420, 1))
        grainy = np.clip(np.asarray(photo) + grain, 0, 255).astype(np.uint8)
        long.paste(Image.fromarray(grainy), (60 + number % 3 * 500, 150 + number * height // 3))
    body, picture = bgrx(long), bgrx(desk(size))
    for number in itertools.count():
        offset = number * 23 % (3 * height)
        picture[top : top + height, left : left + width] = body[offset : offset + height]
        yield picture.copy(), whole(size) if number == 0 else Rect(left, top, width, height)


def game(size: Size) -> Iterator[Shown]:
    """Yield a textured floor and a sky that turn and move, with sprites and figures."""
    rng = np.random.default_rng(5)
    coarse = np.kron(rng.integers(30, 160, (32, 32, 3)), np.ones((32, 32, 1)))
    texture = np.clip(coarse + rng.normal(0, 12, (1024, 1024, 3)), 0, 255).astype(np.uint8)
    horizon = size.height * 2 // 5
    sky = np.asarray(
        Image.fromarray(rng.integers(90, 255, (5, 24, 3), np.uint8)).resize(
            (2 * size.width, horizon), Image.Resampling.BICUBIC
        )
    )
    rows = np.arange(1, size.height - horizon + 1)[:, None]
    columns = np.arange(size.width)[None, :] - size.width / 2
    distance = 90_000 / (rows + 12)
    figures = ImageFont.truetype("DejaVuSans-Bold.ttf", 28)
    for number in itertools.count():
        angle, ahead = 0.6 * np.sin(number / 25), 9.0 * number
        across = columns * distance / 700
        u = (distance * np.cos(angle) - across * np.sin(angle) + ahead).astype(np.int32) & 1023
        v = (distance * np.sin(angle) + across * np.cos(angle)).astype(np.int32) & 1023
        scene = np.empty((size.height, size.width, 3), np.uint8)
        shift = int((angle + 1) * size.width / 4)
        scene[:horizon] = sky[:, shift : shift + size.width]
        scene[horizon:] = texture[u, v]
        image = Image.fromarray(scene)
        draw = ImageDraw.Draw(image)
        for sprite in range(6):
            x = (sprite * 331 + number * (7 + 3 * sprite)) % size.width
            y = horizon + 40 * sprite + 20 * np.sin(number / 4 + sprite)
            draw.ellipse((x, y, x + 60, y + 80), (255 - 40 * sprite, 40 * sprite, 90))
            draw.polygon(((x, y + 40), (x + 60, y + 40), (x + 30, y)), (30, 30, 60))
        draw.text((40, 30), f"SCORE {number * 137:07d}", (255, 240, 80), figures)
        yield bgrx(image), whole(size)


def video(size: Size) -> Iterator[Shown]:
    """Yield the clip of the age meter in the middle of the two windows; it ends."""
    small = size.width < clip.LEFT + clip.WIDTH
    width, height, seconds = _SHORT_CLIP if small else (clip.WIDTH, clip.HEIGHT, clip.SECONDS)
    left, top = (20, 20) if small else (clip.LEFT, clip.TOP)
    picture = bgrx(desk(size))
    with av.open(str(clip.rendered(width, height, seconds))) as file:
        for number, moving in enumerate(file.decode(video=0)):
            part = moving.to_ndarray(format="bgra")
            picture[top : top + height, left : left + width] = part
            yield picture.copy(), whole(size) if number == 0 else Rect(left, top, width, height)


CONTENTS: dict[str, Callable[[Size], Iterator[Shown]]] = {
    "typing": typing,
    "windows": windows,
    "terminal": terminal,
    "page": page,
    "game": game,
    "video": video,
}
