"""How much room `<fanlight-view>` takes in somebody else's page, as the README describes it."""

from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.page.fake_gateway import FakeGateway

pytestmark = [pytest.mark.browser]
EMBED = """async ([style, beside]) => {
  // The page's own style goes: an embedder has none. 1000 x 700 for what is put into it.
  document.querySelector('style')?.remove();
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`body { margin: 0 } #box { width: 1000px; height: 700px; position: relative }
    ${style}`);
  document.adoptedStyleSheets = [sheet];
  document.body.innerHTML =
    `<div id="box"><fanlight-view desk="main" src="/"></fanlight-view>${beside}</div>`;
  await customElements.whenDefined('fanlight-view');
  const view = document.querySelector('fanlight-view');
  const box = view.getBoundingClientRect();
  const { height } = view.shadowRoot.querySelector('.surface').getBoundingClientRect();
  return [box.x, box.y, box.width, box.height, height,
    document.querySelector('#box').scrollWidth];
}"""


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """A page that has loaded the element's module."""
    gateway = FakeGateway(640, 480)
    page = browser.new_page(viewport={"width": 1100, "height": 800})
    page.goto(gateway.url)
    yield page
    page.close()
    gateway.close()


@pytest.mark.parametrize(
    ("style", "box"),
    [
        ("", (0, 0, 1000, 562.5)),
        ("fanlight-view { margin: 20px }", (20, 20, 960, 540)),
        ("fanlight-view { width: 320px }", (0, 0, 320, 180)),
        ("fanlight-view { height: 90px }", (0, 0, 1000, 90)),
        ("fanlight-view { height: 100% }", (0, 0, 1000, 700)),
        ("fanlight-view { width: 160px; height: 80px }", (0, 0, 160, 80)),
        ("fanlight-view { width: 800px; aspect-ratio: 4 / 3 }", (0, 0, 800, 600)),
        ("fanlight-view { max-height: 300px }", (0, 0, 1000, 300)),
        ("fanlight-view { position: absolute; inset: 10px }", (10, 10, 980, 680)),
        ("#box { display: grid }", (0, 0, 1000, 700)),
        ("#box { display: grid; grid-template: 1fr 1fr / 1fr 1fr }", (0, 0, 500, 350)),
        ("#box { display: flex }", (0, 0, 1000, 700)),
        ("#box { display: flex; align-items: start }", (0, 0, 1000, 562.5)),
        ("#box { display: flex; flex-direction: column }", (0, 0, 1000, 562.5)),
        (
            "#box { display: flex; flex-direction: column } fanlight-view { flex: 1 }",
            (0, 0, 1000, 700),
        ),
        ("fanlight-view { border: 5px solid; width: 310px; height: 170px }", (0, 0, 320, 180)),
    ],
)
def test_it_has_a_size_and_takes_the_one_it_is_given(
    page: Page, style: str, box: tuple[float, ...]
) -> None:
    *rectangle, surface_height, scroll_width = page.evaluate(EMBED, [style, ""])
    assert np.allclose(rectangle, box, atol=0.1), rectangle
    assert surface_height == pytest.approx(box[3] - (10 if "border" in style else 0), abs=0.1)
    assert scroll_width == 1000


def test_beside_other_things_it_takes_what_is_left(page: Page) -> None:
    aside = "<div style='flex: none; width: 200px'></div>"
    *rectangle, _, _ = page.evaluate(EMBED, ["#box { display: flex }", aside])
    assert np.allclose(rectangle, (0, 0, 800, 700), atol=0.1), rectangle
