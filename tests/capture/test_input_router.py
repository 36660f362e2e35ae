"""What waits while a text is being typed, with a desk that types slowly."""

import asyncio
from typing import Any

from fanlight_capture.input_router import MAX_QUEUED_TEXT_BYTES, InputRouter
from fanlight_capture.pattern.source import InputRecorder
from fanlight_common.core.errors import SourceLostError
from fanlight_common.protocol import binary, bus
from tests.capture.conftest import until


class SlowSink(InputRecorder):
    """Types when it is told to."""

    def __init__(self) -> None:
        super().__init__(lambda: None)
        self.go = asyncio.Event()
        self.fails = False

    async def type_text(self, text: str) -> None:
        self.recorded.append(("begin", text))
        await self.go.wait()
        if self.fails:
            raise SourceLostError("gone")
        self.recorded.append(("end", text))


class Desk:
    """As much of a source as the router uses."""

    width, height = 100, 100

    def __init__(self) -> None:
        self.sink = SlowSink()

    def set_clipboard(self, text: str) -> None:
        self.sink.clipboard(text)


def router() -> tuple[InputRouter, SlowSink]:
    desk: Any = Desk()
    made = InputRouter(silence_s=3.0)
    made.attach(desk)
    return made, desk.sink


def message(number: int, what: Any) -> bus.Input:
    return bus.Input("main", "v", number, what.encode())


async def test_nothing_overtakes_a_text() -> None:
    made, sink = router()
    made.handle(message(1, binary.Text("one")), 0.0)
    made.handle(message(2, binary.Key(True, 4)), 0.1)
    made.handle(message(3, binary.Text("two")), 0.2)
    made.handle(bus.SetClipboard("main", "v", "c"), 0.3)
    made.handle(bus.ReleaseViewer("main", "v", "left"), 0.3)
    await until(lambda: sink.recorded)
    assert list(sink.recorded) == [("begin", "one")]
    sink.go.set()
    await until(lambda: ("key", 4, False) in sink.recorded)
    assert list(sink.recorded) == [
        ("begin", "one"),
        ("end", "one"),
        ("key", 4, True),
        ("begin", "two"),
        ("end", "two"),
        ("clipboard", "c"),
        ("key", 4, False),
    ]


async def test_a_desk_that_goes_while_typing() -> None:
    made, sink = router()
    sink.fails = True
    sink.go.set()
    made.handle(message(1, binary.Text("one")), 0.0)
    made.handle(message(2, binary.Key(True, 4)), 0.0)
    await until(lambda: ("key", 4, True) in sink.recorded)
    await made.detach("display")
    assert sink.recorded[-1] == ("key", 4, False)


async def test_stopping_in_the_middle_of_a_text() -> None:
    made, sink = router()
    made.handle(message(1, binary.Key(True, 4)), 0.0)
    made.handle(message(2, binary.Text("one")), 0.0)
    made.handle(message(3, binary.Key(True, 5)), 0.0)
    await until(lambda: ("begin", "one") in sink.recorded)
    await made.detach("stop")
    # The key that waited was never pressed, the one that was held goes up.
    assert list(sink.recorded) == [("key", 4, True), ("begin", "one"), ("key", 4, False)]
    made.handle(message(4, binary.Key(True, 6)), 0.0)
    assert len(sink.recorded) == 3


async def test_a_repetition_that_waited_behind_a_text_is_none() -> None:
    made, sink = router()
    made.handle(message(1, binary.Key(True, 4)), 0.0)
    made.handle(message(2, binary.Key(True, 4)), 0.5)
    made.handle(message(3, binary.Text("long")), 0.6)
    for number in range(4, 34):
        made.handle(message(number, binary.Key(True, 4)), 0.6 + number / 30)
    made.handle(message(34, binary.Key(False, 4)), 2.0)
    sink.go.set()
    await until(lambda: ("key", 4, False) in sink.recorded)
    assert list(sink.recorded) == [
        ("key", 4, True),
        ("repeat", 4),
        ("begin", "long"),
        ("end", "long"),
        ("repeat", 4),
        ("key", 4, False),
    ]


async def test_silence_and_unknown_reasons() -> None:
    made, sink = router()
    made.handle(message(1, binary.Key(True, 4)), 1.0)
    assert made.holding.is_set()
    assert made.release_silent(2.0) == 2.0
    made.heard("v", 3.0)
    assert made.release_silent(5.0) == 1.0
    assert made.release_silent(6.0) is None
    assert not made.holding.is_set()
    made.handle(message(2, binary.Key(True, 5)), 6.0)
    made.handle(bus.ReleaseViewer("main", "v", "because"), 6.0)
    assert [what[1:] for what in sink.recorded] == [
        (4, True),
        (4, False),
        (5, True),
        (5, False),
    ]


async def test_who_falls_silent_while_a_text_is_typed_is_released_after_it() -> None:
    made, sink = router()
    made.handle(message(1, binary.Key(True, 0xE0)), 0.0)
    made.handle(bus.Input("main", "other", 1, binary.Text("long").encode()), 0.1)
    await until(lambda: ("begin", "long") in sink.recorded)
    assert made.release_silent(10.0) is not None
    assert ("key", 0xE0, False) not in sink.recorded, "typing presses it again at its end"
    sink.go.set()
    await until(lambda: ("end", "long") in sink.recorded)
    await until(lambda: made.release_silent(10.0) is None)
    assert sink.recorded[-1] == ("key", 0xE0, False)


async def test_texts_that_wait_are_bounded_and_keys_are_not_dropped_for_it() -> None:
    made, sink = router()
    text = "x" * 4096
    for number in range(1, 30):
        made.handle(message(number, binary.Text(text)), 0.0)
    made.handle(message(30, binary.Key(True, 4)), 0.0)
    sink.go.set()
    await until(lambda: ("key", 4, True) in sink.recorded)
    typed = sum(what[0] == "end" for what in sink.recorded)
    assert typed == 1 + MAX_QUEUED_TEXT_BYTES // (len(text) + 1)
