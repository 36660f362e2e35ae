"""A real browser paints units: patches to the very pixel, and in order with the video."""

import base64
import io
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page

from fanlight_common.core.geometry import Rect
from fanlight_common.protocol import control, patch
from tests.e2e.conftest import Viewer
from tests.e2e.page.fake_gateway import Encoding, FakeGateway
from tests.e2e.processes import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.processes]
Open = Callable[..., Viewer]
Pixels = np.ndarray[Any, np.dtype[Any]]
SIZE = (640, 360)
GREY, DARK = 126, 60  # of luma: 128 and about 51 of RGB
ADD_VIEW = "document.body.insertAdjacentHTML('beforeend', '<fanlight-view desk=main>')"
READ = """n => {
  const canvas = document.querySelectorAll('fanlight-view')[n].shadowRoot.querySelector('canvas');
  const copy = new OffscreenCanvas(canvas.width, canvas.height);
  const context = copy.getContext('2d');
  context.drawImage(canvas, 0, 0);
  let text = '';
  for (const byte of context.getImageData(0, 0, copy.width, copy.height).data) {
    text += String.fromCharCode(byte);
  }
  return [copy.width, copy.height, btoa(text)];
}"""


def canvas(page: Page, n: int = 0) -> Pixels:
    """Return the pixels of the n-th view's canvas: rows, columns, RGB."""
    width, height, text = page.evaluate(READ, n)
    pixels = np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 4)
    return pixels[:, :, :3].astype(int)


def image_file(pixels: Pixels, format_: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(buffer, format_, lossless=True)
    return buffer.getvalue()


def png(x: int, y: int, pixels: Pixels) -> patch.Image:
    height, width = pixels.shape[:2]
    return patch.Image(x, y, width, height, patch.ImageFormat.PNG, image_file(pixels))


def noise(width: int, height: int, seed: int = 0) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3))


@pytest.fixture
def gateway() -> Iterator[FakeGateway]:
    server = FakeGateway(*SIZE)
    yield server
    server.close()


@pytest.fixture
def viewer(gateway: FakeGateway, open_viewer: Open) -> Viewer:
    shown = open_viewer(gateway.url)
    shown.page.evaluate(ADD_VIEW)
    try:
        wait_until(lambda: gateway.sockets, "a viewer")
    except AssertionError as error:
        raise AssertionError(f"{error}; {shown.account()}") from None
    return shown


@pytest.fixture
def video(gateway: FakeGateway, viewer: Viewer) -> Encoding:
    """A stream whose first picture, a grey one, is on the canvas."""
    encoding = Encoding(*SIZE)
    gateway.send(encoding.picture(GREY))
    gateway.wait_painted(1, 1)
    assert np.abs(canvas(viewer.page) - 128).max() <= 3
    return encoding


def test_a_patch_is_seen_to_the_very_pixel(
    gateway: FakeGateway, viewer: Viewer, video: Encoding
) -> None:
    before = canvas(viewer.page)
    new = noise(120, 30)
    gateway.send(video.patch(patch.encode([png(17, 33, new)])))
    ack = gateway.wait_painted(1, 2)
    assert ack.received == 2
    after = canvas(viewer.page)
    assert (after[33:63, 17:137] == new).all()
    after[33:63, 17:137] = before[33:63, 17:137]
    assert (after == before).all()
    for format_, mode in ((patch.ImageFormat.WEBP, "WEBP"), (patch.ImageFormat.PNG, "PNG")):
        new = noise(64, 48, seed=format_)
        file = image_file(new, mode)
        gateway.send(video.patch(patch.encode([patch.Image(300, 200, 64, 48, format_, file)])))
        gateway.wait_painted(1, video.sequence)
        assert (canvas(viewer.page)[200:248, 300:364] == new).all(), mode
    # These files are grey and two-coloured, like those of small text.
    letters = noise(10, 20)[:, :, 0]
    bits = (noise(384, 12)[:, :, 0] > 127) * 255
    gateway.send(video.patch(patch.encode([png(5, 5, letters), png(200, 300, bits)])))
    gateway.wait_painted(1, video.sequence)
    after = canvas(viewer.page)
    assert (after[5:25, 5:15] == letters[:, :, None]).all()
    assert (after[300:312, 200:584] == bits[:, :, None]).all()


@pytest.mark.parametrize("shift", [(0, 20), (0, -20), (20, 0), (-20, 0), (7, 3), (-1, 1)])
def test_a_copy_may_overlap_itself(
    gateway: FakeGateway, viewer: Viewer, video: Encoding, shift: tuple[int, int]
) -> None:
    dx, dy = shift
    picture = noise(*SIZE)
    copy = patch.Copy(100 + dx, 50 + dy, 300, 200, 100, 50)
    again = patch.Copy(0, 0, 40, 40, 100 + dx, 50 + dy)
    gateway.send(video.patch(patch.encode([png(0, 0, picture), copy, again])))
    gateway.wait_painted(1, 2)
    want = picture.copy()
    want[50 + dy : 250 + dy, 100 + dx : 400 + dx] = picture[50:250, 100:400]
    want[0:40, 0:40] = want[50 + dy : 90 + dy, 100 + dx : 140 + dx].copy()
    assert (canvas(viewer.page) == want).all()
    far = patch.Copy(65000, 0, 600, 65535, 0, 0)
    beyond = patch.Copy(600, 340, 65535, 65535, 0, 0)
    gateway.send(video.patch(patch.encode([far, beyond])))
    gateway.wait_painted(1, 3)
    want[340:360, 600:640] = want[0:20, 0:40].copy()
    assert (canvas(viewer.page) == want).all()


def test_an_image_of_fewer_pixels_is_enlarged(
    gateway: FakeGateway, viewer: Viewer, video: Encoding
) -> None:
    file = image_file(np.full((9, 16, 3), (200, 30, 60)))
    image = patch.Image(100, 100, 160, 90, patch.ImageFormat.PNG, file)
    gateway.send(video.patch(patch.encode([image])))
    gateway.wait_painted(1, 2)
    assert (canvas(viewer.page)[102:188, 102:258] == (200, 30, 60)).all()


def test_pictures_and_patches_are_painted_in_order(
    gateway: FakeGateway, viewer: Viewer, video: Encoding
) -> None:
    new = noise(50, 50)
    for shade in (DARK, GREY, DARK):
        # The patch arrives while the picture below it is in the decoder.
        gateway.send(video.picture(shade), video.patch(patch.encode([png(0, 0, new)])))
        gateway.wait_painted(1, video.sequence)
        after = canvas(viewer.page)
        assert (after[:50, :50] == new).all()
        assert np.abs(after[100:] - (128 if shade == GREY else 51)).max() <= 3
        # The picture arrives while the image of the patch is being decoded.
        gateway.send(video.patch(patch.encode([png(0, 0, new)])), video.picture(GREY))
        gateway.wait_painted(1, video.sequence)
        assert np.abs(canvas(viewer.page) - 128).max() <= 3
    # Of many patches at once, each is painted.
    patches = [
        video.patch(patch.encode([png(10 * n, 0, noise(10, 10, seed=n))])) for n in range(60)
    ]
    gateway.send(*patches)
    gateway.wait_painted(1, video.sequence)
    top = canvas(viewer.page)[:10, :600]
    assert (top == np.concatenate([noise(10, 10, seed=n) for n in range(60)], axis=1)).all()


def test_a_page_that_is_busy_misses_nothing(
    gateway: FakeGateway, viewer: Viewer, video: Encoding
) -> None:
    viewer.page.evaluate(
        """() => {
          setTimeout(() => {
            const end = performance.now() + 1500;
            while (performance.now() < end);
            window.isDone = true;
          });
        }"""
    )
    shades = (DARK, GREY)
    for n in range(20):
        gateway.send(video.picture(shades[n % 2]))
        time.sleep(0.03)  # as pictures come, while the page is busy for 1.5 s
    for n in range(60):
        gateway.send(video.patch(patch.encode([png(10 * n, 0, noise(10, 10, seed=n))])))
        time.sleep(0.005)  # as patches come, while the page is still busy
    gateway.wait_painted(1, video.sequence)
    seen = canvas(viewer.page)
    top = np.concatenate([noise(10, 10, seed=n) for n in range(60)], axis=1)
    assert (seen[:10, :600] == top).all()
    assert np.abs(seen[20:] - 128).max() <= 3
    assert viewer.stats["painted"] < 78, "pictures in between were not painted"


SLOW_DRAWING = """() => {
  const draw = CanvasRenderingContext2D.prototype.drawImage;
  CanvasRenderingContext2D.prototype.drawImage = function (...all) {
    const end = performance.now() + 30;
    while (performance.now() < end);
    return draw.apply(this, all);
  };
}"""
NO_COPYING = "() => { VideoFrame.prototype.copyTo = () => Promise.reject(new Error('not here')) }"


@pytest.mark.parametrize("method", ["copied", "drawn"])
def test_a_picture_that_is_copied_is_painted_where_it_differs(
    gateway: FakeGateway, viewer: Viewer, video: Encoding, method: str
) -> None:
    if method == "copied":
        viewer.page.evaluate(SLOW_DRAWING)
    else:
        viewer.page.workers[0].evaluate(NO_COPYING)
    for _ in range(14):  # until it knows which method is the quicker one
        gateway.send(video.picture(GREY))
        gateway.wait_painted(1, video.sequence)
    areas = Rect(0, 0, 100, 31), Rect(401, 201, 33, 77), Rect(600, 340, 40, 20)
    gateway.send(video.picture(DARK, *areas))
    gateway.wait_painted(1, video.sequence)
    seen = canvas(viewer.page)
    for x, y, width, height in areas:
        inside = seen[y : y + height, x : x + width]
        assert np.abs(inside - 51).max() <= 3
        inside[:] = 128 if method == "copied" else 51
    assert np.abs(seen - (128 if method == "copied" else 51)).max() <= 3
    gateway.send(video.picture(DARK))
    gateway.wait_painted(1, video.sequence)
    assert np.abs(canvas(viewer.page) - 51).max() <= 3


def test_a_patch_after_a_gap_waits_for_an_idr(
    gateway: FakeGateway, viewer: Viewer, video: Encoding
) -> None:
    before = canvas(viewer.page)
    video.patch(b"lost")
    gateway.send(video.patch(patch.encode([png(0, 0, noise(50, 50))])))
    wait_until(lambda: "request_idr" in gateway.controls, "the request for an IDR")
    assert (canvas(viewer.page) == before).all()


@pytest.mark.parametrize("payload", [b"\x07", patch.encode([
    patch.Image(0, 0, 50, 50, patch.ImageFormat.PNG, image_file(noise(50, 50))),
    patch.Image(0, 0, 50, 50, patch.ImageFormat.PNG, b"no image"),
])])  # fmt: skip
def test_a_patch_that_is_none_is_not_painted_in_part(
    gateway: FakeGateway, viewer: Viewer, video: Encoding, payload: bytes
) -> None:
    before = canvas(viewer.page)
    gateway.send(video.patch(payload))
    wait_until(lambda: "request_idr" in gateway.controls, "the request for an IDR")
    assert (canvas(viewer.page) == before).all()
    again = Encoding(*SIZE, epoch=2)
    gateway.send(again.picture(DARK))
    gateway.wait_painted(2, 1)


def test_a_rendition_follows_another_without_a_black_moment(
    gateway: FakeGateway, viewer: Viewer, video: Encoding
) -> None:
    viewer.page.evaluate(
        """() => {
          const canvas = document.querySelector('fanlight-view').shadowRoot.querySelector('canvas');
          window.black = 0;
          const look = () => {
            const context = new OffscreenCanvas(1, 1).getContext('2d');
            context.drawImage(canvas, 0, 0, 1, 1);
            if (context.getImageData(0, 0, 1, 1).data[0] < 20) window.black += 1;
            requestAnimationFrame(look);
          };
          look();
        }"""
    )
    video.sequence = 4  # the next sequence in the same epoch, but of another stream
    half = Encoding(SIZE[0] // 2, SIZE[1] // 2, epoch=1, size=SIZE)
    half.sequence = 1
    gateway.send(control.VideoState("live", "half").encode(), half.picture(DARK))
    gateway.wait_painted(1, 2)
    after = canvas(viewer.page)
    assert after.shape[:2] == (SIZE[1], SIZE[0])
    assert np.abs(after - 51).max() <= 3
    new = noise(40, 40)
    gateway.send(half.patch(patch.encode([png(500, 300, new)])))
    gateway.wait_painted(1, 3)
    assert (canvas(viewer.page)[300:340, 500:540] == new).all()
    viewer.wait("stats.rendition === 'half'")
    # The stream goes back to an epoch that is smaller.
    high = Encoding(*SIZE, epoch=0)
    gateway.send(control.VideoState("live", "high").encode(), high.picture(GREY))
    gateway.wait_painted(0, 1)
    assert np.abs(canvas(viewer.page) - 128).max() <= 3
    assert viewer.page.evaluate("window.black") == 0
    viewer.wait("stats.rendition === 'high'")


def test_the_desk_changes_its_size(gateway: FakeGateway, viewer: Viewer, video: Encoding) -> None:
    larger = Encoding(800, 600, epoch=2)
    gateway.send(larger.picture(DARK))
    gateway.wait_painted(2, 1)
    assert canvas(viewer.page).shape[:2] == (600, 800)
    # A patch tells the new size before a picture does: what was there stays, enlarged.
    larger.desk = (1000, 700)
    gateway.send(larger.patch(patch.encode([png(900, 600, noise(90, 90))])))
    gateway.wait_painted(2, 2)
    after = canvas(viewer.page)
    assert (after[600:690, 900:990] == noise(90, 90)).all()
    assert np.abs(after[:500] - 51).max() <= 3


@pytest.mark.alone
def test_what_is_received_is_acknowledged_at_once(
    gateway: FakeGateway, viewer: Viewer, video: Encoding
) -> None:
    delays_ms = []
    for n in range(20):
        unit = video.patch(patch.encode([png(0, 0, noise(10, 20, seed=n))]))
        sent = time.monotonic()
        gateway.send(unit)
        gateway.wait_painted(1, video.sequence)
        hits = (at for at, ack in gateway.acks if ack.received >= video.sequence)
        delays_ms.append((next(hits) - sent) * 1000)
    assert sorted(delays_ms)[10] < 15
    acks = [ack for _, ack in gateway.acks if ack.received > 1]
    assert len(acks) <= 24, "a small patch costs one message"


def test_a_snapshot_is_of_the_canvas(gateway: FakeGateway, viewer: Viewer, video: Encoding) -> None:
    gateway.send(video.patch(patch.encode([png(3, 4, noise(50, 50))])))
    gateway.wait_painted(1, 2)
    data = viewer.page.evaluate(
        """async () => {
          const blob = await document.querySelector('fanlight-view').snapshot();
          return [blob.type, ...new Uint8Array(await blob.arrayBuffer())];
        }"""
    )
    assert data[0] == "image/png"
    pixels = np.asarray(Image.open(io.BytesIO(bytes(data[1:]))).convert("RGB"))
    assert (pixels == canvas(viewer.page)).all()


def test_views_are_apart_and_may_leave_and_return(
    gateway: FakeGateway, viewer: Viewer, video: Encoding
) -> None:
    page = viewer.page
    page.evaluate(ADD_VIEW)
    wait_until(lambda: len(gateway.sockets) == 2, "the second viewer")
    gateway.send(Encoding(*SIZE, epoch=5).picture(DARK))
    gateway.wait_painted(5, 1)
    assert np.abs(canvas(page, 0) - 128).max() <= 3
    assert np.abs(canvas(page, 1) - 51).max() <= 3
    page.evaluate(
        "(v => { v.remove(); document.body.append(v); })(document.querySelector('fanlight-view'))"
    )
    wait_until(lambda: len(gateway.sockets) == 3, "the viewer that returned")
    gateway.send(Encoding(*SIZE, epoch=6).picture(GREY))
    gateway.wait_painted(6, 1)
    assert np.abs(canvas(page, 0) - 51).max() <= 3
    assert np.abs(canvas(page, 1) - 128).max() <= 3


def test_the_first_picture_is_a_screenshot_and_video_replaces_it(
    gateway: FakeGateway, open_viewer: Open
) -> None:
    gateway.screenshot = image_file(np.full((180, 320, 3), (200, 30, 60)), "JPEG")
    shown = open_viewer(gateway.url)
    shown.page.evaluate(ADD_VIEW)
    shown.wait("stats.painted === 1 && stats.screenshot_bytes > 0")
    assert gateway.screenshot_requests == ["40 0.5"]
    assert np.abs(canvas(shown.page) - (200, 30, 60)).max() <= 4
    gateway.send(Encoding(*SIZE).picture(GREY))
    gateway.wait_painted(1, 1)
    assert np.abs(canvas(shown.page) - 128).max() <= 3
