"""Entity tags say all that the bytes depend on."""

import dataclasses

import pytest

from fanlight_screenshot.core import etags
from fanlight_screenshot.core.parameters import Format, Parameters


def test_every_difference_shows() -> None:
    base = Parameters()
    others = [
        dataclasses.replace(base, format=Format.WEBP),
        dataclasses.replace(base, quality=71),
        dataclasses.replace(base, scale=0.5),
    ]
    tags = [etags.make(1, 2, "", p) for p in (base, *others)]
    tags += [etags.make(*which, base) for which in ((2, 2, ""), (1, 3, ""), (1, 2, "p"))]
    assert len(set(tags)) == len(tags)
    assert all(tag.startswith('"') and tag.endswith('"') for tag in tags)


@pytest.mark.parametrize("header", ['"a"', 'W/"a"', "*", " * ", '"x", "a"', '"x,y",W/"a"'])
def test_match(header: str) -> None:
    assert etags.matches(header, '"a"')


@pytest.mark.parametrize("header", [None, "", '"b"', "a", '"a', 'W/"b", "aa"'])
def test_no_match(header: str | None) -> None:
    assert not etags.matches(header, '"a"')
