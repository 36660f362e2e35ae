"""Input that waits while a text is being typed, with a desk that types slowly."""

import asyncio
from typing import Any

import pytest

from fanlight_capture import input_router, metrics
from fanlight_capture.core.held_keys import HeldKeyLimits
from fanlight_capture.input_router import MAX_QUEUED_TEXT_BYTES, InputRouter, RouterState
from fanlight_capture.pattern.source import InputRecorder
from fanlight_capture.source import SourceCapabilities
from fanlight_common.core.errors import SourceLostError
from fanlight_common.protocol import bus, input
from tests.capture.conftest import until
from tests.metrics import count
from tests.tables import table

LIMITS = HeldKeyLimits(silence_s=3.0)


class SlowSink(InputRecorder):
    """Types when the test lets it."""

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
    """The part of a source that the router uses."""

    width, height = 100, 100
    capabilities = SourceCapabilities(pointer_shape=True, clipboard=True, any_character=True)

    def __init__(self) -> None:
        self.sink = SlowSink()

    def set_clipboard(self, text: str) -> None:
        self.sink.clipboard(text)


def router() -> tuple[InputRouter, SlowSink]:
    desk: Any = Desk()
    made = InputRouter(LIMITS)
    made.attach(desk)
    return made, desk.sink


def message(number: int, what: Any) -> bus.Input:
    return bus.Input("main", "v", number, what.encode())


async def test_nothing_overtakes_a_text() -> None:
    made, sink = router()
    made.handle(message(1, input.Text("one")), 0.0)
    made.handle(message(2, input.Key(True, 4)), 0.1)
    made.handle(message(3, input.Text("two")), 0.2)
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
    made.handle(message(1, input.Text("one")), 0.0)
    made.handle(message(2, input.Key(True, 4)), 0.0)
    await until(lambda: ("key", 4, True) in sink.recorded)
    await made.detach("display")
    assert sink.recorded[-1] == ("key", 4, False)


async def test_stopping_in_the_middle_of_a_text() -> None:
    made, sink = router()
    made.handle(message(1, input.Key(True, 4)), 0.0)
    made.handle(message(2, input.Text("one")), 0.0)
    made.handle(message(3, input.Key(True, 5)), 0.0)
    await until(lambda: ("begin", "one") in sink.recorded)
    await made.detach("stop")
    # The key that waited was never pressed, and the one that was held is released.
    assert list(sink.recorded) == [("key", 4, True), ("begin", "one"), ("key", 4, False)]
    made.handle(message(4, input.Key(True, 6)), 0.0)
    assert len(sink.recorded) == 3


async def test_a_repetition_that_waited_behind_a_text_is_none() -> None:
    made, sink = router()
    made.handle(message(1, input.Key(True, 4)), 0.0)
    made.handle(message(2, input.Key(True, 4)), 0.5)
    made.handle(message(3, input.Text("long")), 0.6)
    for number in range(4, 34):
        made.handle(message(number, input.Key(True, 4)), 0.6 + number / 30)
    made.handle(message(34, input.Key(False, 4)), 2.0)
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
    made.handle(message(1, input.Key(True, 4)), 1.0)
    assert made.holding.is_set()
    assert made.release_silent(2.0) == 2.0
    made.heard("v", 3.0)
    assert made.release_silent(5.0) == 1.0
    assert made.release_silent(6.0) is None
    assert not made.holding.is_set()
    made.handle(message(2, input.Key(True, 5)), 6.0)
    made.handle(bus.ReleaseViewer("main", "v", "because"), 6.0)
    assert [what[1:] for what in sink.recorded] == [
        (4, True),
        (4, False),
        (5, True),
        (5, False),
    ]


async def test_who_falls_silent_while_a_text_is_typed_is_released_after_it() -> None:
    made, sink = router()
    made.handle(message(1, input.Key(True, 0xE0)), 0.0)
    made.handle(bus.Input("main", "other", 1, input.Text("long").encode()), 0.1)
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
        made.handle(message(number, input.Text(text)), 0.0)
    made.handle(message(30, input.Key(True, 4)), 0.0)
    sink.go.set()
    await until(lambda: ("key", 4, True) in sink.recorded)
    typed = sum(what[0] == "end" for what in sink.recorded)
    assert typed == 1 + MAX_QUEUED_TEXT_BYTES // (len(text) + 1)


class SlowDisplay(SlowSink):
    """Answers that it has taken its input when the test lets it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.ended = 0
        """The number of questions that are over: answered, failed or cancelled."""
        self.may_answer = asyncio.Event()
        self.lost = False

    async def taken(self) -> None:
        self.asked += 1
        try:
            await self.may_answer.wait()
            if self.lost:
                raise SourceLostError("gone")
        finally:
            self.ended += 1


def acknowledging() -> tuple[InputRouter, SlowDisplay, list[bus.InputAck]]:
    desk: Any = Desk()
    desk.sink = SlowDisplay()
    acks: list[bus.InputAck] = []
    made = InputRouter(LIMITS, acks.append)
    made.attach(desk)
    return made, desk.sink, acks


def asking(number: int, what: Any, viewer: str = "v") -> bus.Input:
    return bus.Input("main", viewer, number, what.encode(), wants_ack=True)


async def test_nobody_who_did_not_ask_is_acknowledged() -> None:
    made, sink, acks = acknowledging()
    sink.may_answer.set()
    for number in range(1, 6):
        made.handle(message(number, input.PointerMove(number, 0)), 0.0)
    await asyncio.sleep(0)
    assert (made.injected, sink.asked, acks) == (5, 0, [])


async def test_an_input_is_acknowledged_once_the_display_has_taken_it() -> None:
    made, sink, acks = acknowledging()
    made.handle(message(1, input.Key(True, 4)), 0.0)
    made.handle(asking(2, input.Key(False, 4)), 0.0)
    await until(lambda: sink.asked == 1)
    # These come while the display is being asked. It is asked once more, for both.
    made.handle(asking(1, input.PointerMove(1, 1), "w"), 0.0)
    made.handle(asking(3, input.Key(True, 5)), 0.0)
    assert acks == []
    sink.may_answer.set()
    await until(lambda: len(acks) == 3)
    assert acks == [bus.InputAck("v", 2, 2), bus.InputAck("w", 1, 3), bus.InputAck("v", 3, 4)]
    assert sink.asked == 2
    made.handle(asking(4, input.Key(False, 5)), 0.0)
    await until(lambda: len(acks) == 4)
    assert acks[-1] == bus.InputAck("v", 4, 5)


async def test_a_text_counts_and_is_acknowledged_when_it_was_typed() -> None:
    made, sink, acks = acknowledging()
    sink.may_answer.set()
    made.handle(asking(1, input.Text("one")), 0.0)
    made.handle(asking(2, input.Key(True, 4)), 0.0)
    await until(lambda: sink.recorded)
    assert (made.injected, acks) == (0, [])
    sink.go.set()
    await until(lambda: len(acks) == 2)
    assert acks == [bus.InputAck("v", 1, 1), bus.InputAck("v", 2, 2)]


async def test_what_is_dropped_is_not_acknowledged_and_does_not_count() -> None:
    made, sink, acks = acknowledging()
    made.handle(bus.Input("main", "v", 1, b"rubbish", wants_ack=True), 0.0)
    made.handle(asking(2, input.Key(True, 4)), 0.0)
    await until(lambda: sink.asked == 1)
    sink.lost = True
    sink.may_answer.set()
    await until(lambda: sink.ended == 1)
    await made.detach("display")
    made.handle(asking(3, input.Key(True, 4)), 0.0)
    assert (made.injected, acks) == (1, [])
    desk: Any = Desk()
    desk.sink = SlowDisplay()
    desk.sink.may_answer.set()
    made.attach(desk)
    made.handle(asking(4, input.Key(True, 4)), 0.0)
    await until(lambda: acks)
    assert acks == [bus.InputAck("v", 4, 2)]  # the count goes on with another display


async def test_a_desk_that_goes_while_it_is_asked() -> None:
    made, sink, acks = acknowledging()
    made.handle(asking(1, input.Key(True, 4)), 0.0)
    await until(lambda: sink.asked == 1)
    await made.detach("display")
    sink.may_answer.set()
    await until(lambda: sink.ended == 1)
    assert acks == []


async def test_a_desk_without_a_clipboard_is_given_none() -> None:
    desk: Any = Desk()
    desk.capabilities = SourceCapabilities(pointer_shape=True, clipboard=False, any_character=True)
    made = InputRouter(LIMITS)
    made.attach(desk)
    refused = count(metrics.clipboard_refused)
    made.handle(bus.SetClipboard("main", "v", "copied"), 0.0)
    assert list(desk.sink.recorded) == []
    assert count(metrics.clipboard_refused) == refused + 1


ROWS = table(input_router.__doc__, 4)


async def router_in(state: RouterState) -> tuple[InputRouter, SlowSink]:
    """Return a router in this state. A viewer holds a key, if there is a display."""
    made, sink = router()
    if state is RouterState.AWAY:
        await made.detach("stop")
    else:
        made.handle(message(1, input.Key(True, 4)), 0.0)
    if state is RouterState.TYPING:
        made.handle(message(2, input.Text("first")), 0.0)
        await until(lambda: ("begin", "first") in sink.recorded)
    assert made.state is state
    sink.recorded.clear()
    return made, sink


def test_the_table_has_every_event_that_can_be() -> None:
    found = {(RouterState[state], event) for state, event, *_ in ROWS}
    messages = {(state, event) for state in RouterState for event in ("text", "other")}
    assert len(found) == len(ROWS)
    assert found == messages | {
        (RouterState.AWAY, "attach"),
        (RouterState.READY, "detach"),
        (RouterState.TYPING, "typed"),
        (RouterState.TYPING, "detach"),
    }


@pytest.mark.parametrize(("state", "event", "after", "effect"), ROWS, ids=str)
async def test_the_table_and_the_code_agree(
    state: str, event: str, after: str, effect: str
) -> None:
    made, sink = await router_in(RouterState[state])
    if state == "TYPING":
        made.handle(message(3, input.Key(True, 5)), 0.0)
    dropped = count(metrics.inputs_ignored)
    match event:
        case "attach":
            desk: Any = Desk()
            made.attach(desk)
        case "text":
            made.handle(message(4, input.Text("second")), 0.0)
        case "other":
            made.handle(message(4, input.Key(True, 6)), 0.0)
        case "detach":
            await made.detach("stop")
        case "typed":
            sink.go.set()
            await until(lambda: made.state is RouterState.READY)
    assert made.state is RouterState[after]
    await asyncio.sleep(0)  # a text begins in a task
    did = list(sink.recorded)
    match effect:
        case "nothing" | "it waits":
            assert did == []
        case "it is dropped":
            assert did == []
            assert count(metrics.inputs_ignored) == dropped + 1
        case "its typing begins":
            assert did == [("begin", "second")]
        case "it is done at once":
            assert did == [("key", 6, True)]
        case "what has waited is done, in order":
            assert did == [("end", "first"), ("key", 5, True)]
        case "what is held is released" | "what is held is released, what waits is dropped":
            assert did == [("key", 4, False)]
        case _:
            pytest.fail(f"unknown effect {effect}")
    if state == "TYPING" and event != "detach":
        sink.go.set()
        await until(lambda: ("key", 5, True) in sink.recorded)
    await made.detach("stop")
