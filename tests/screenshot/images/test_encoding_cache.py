"""However many ask, one encoding is made."""

import asyncio

import pytest

from fanlight_screenshot.images.encoding_cache import EncodingCache


class CountedEncoding:
    def __init__(self) -> None:
        self.calls = 0
        self.go = asyncio.Event()
        self.error: Exception | None = None

    async def __call__(self) -> bytes:
        self.calls += 1
        await self.go.wait()
        if self.error is not None:
            raise self.error
        return b"bytes"


async def test_those_under_way_are_shared_and_the_last_are_kept() -> None:
    encodings, make = EncodingCache(keep=2), CountedEncoding()
    asking = [asyncio.create_task(encodings.get("a", make)) for _ in range(5)]
    await asyncio.sleep(0)
    make.go.set()
    assert await asyncio.gather(*asking) == [b"bytes"] * 5
    assert make.calls == 1
    await encodings.get("b", make)
    await encodings.get("a", make)  # This uses a again, so b is the oldest now.
    await encodings.get("c", make)
    await encodings.get("a", make)
    assert make.calls == 3
    await encodings.get("b", make)
    assert make.calls == 4


async def test_who_is_cancelled_leaves_the_others_theirs() -> None:
    encodings, make = EncodingCache(keep=2), CountedEncoding()
    one, other = (asyncio.create_task(encodings.get("a", make)) for _ in range(2))
    await asyncio.sleep(0)
    one.cancel()
    make.go.set()
    assert await other == b"bytes"
    with pytest.raises(asyncio.CancelledError):
        await one


async def test_all_get_the_error_and_it_is_not_kept() -> None:
    encodings, make = EncodingCache(keep=2), CountedEncoding()
    make.error = ValueError("no")
    asking = [asyncio.create_task(encodings.get("a", make)) for _ in range(2)]
    await asyncio.sleep(0)
    make.go.set()
    for task in asking:
        with pytest.raises(ValueError, match="no"):
            await task
    make.error = None
    assert await encodings.get("a", make) == b"bytes"
