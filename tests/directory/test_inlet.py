"""Many heartbeats, most of them the same as before."""

import asyncio
from dataclasses import replace

import pytest
import zmq
import zmq.asyncio

from fanlight_common.bus.receiver import BATCH
from fanlight_common.core.errors import ProtocolError
from fanlight_common.process import refusals
from fanlight_common.protocol import bus
from fanlight_directory.inlet import DecodedMessages, InletReader
from tests.directory.bench import capture, encoder


def test_the_same_bytes_are_decoded_once_and_not_kept_for_ever() -> None:
    decoded = DecodedMessages()
    data = bus.encode(capture())
    first = decoded.decode(data)
    assert first == capture()
    assert decoded.decode(bytes(data)) is first
    decoded.turn()
    assert decoded.decode(data) is first
    decoded.turn()
    decoded.turn()
    again = decoded.decode(data)
    assert again == first
    assert again is not first
    with pytest.raises(ProtocolError):
        decoded.decode(b"\xff")


def test_streams_of_a_later_release_are_left_out_and_said_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "_said", set())
    known = (bus.HeldStream("main/high", 7), bus.HeldStream("main/low", 8))
    later = (bus.HeldStream("main/high.vp9", 9), bus.HeldStream("main/high.opus.audio", 9))
    beat = replace(encoder(1), streams=(known[0], *later, known[1]))
    decoded = DecodedMessages()
    message = decoded.decode(bus.encode(beat))
    assert message == replace(beat, streams=known)
    assert decoded.decode(bus.encode(beat)) is message
    for _ in range(3):
        decoded.turn()
    assert decoded.decode(bus.encode(beat)) == message
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 2
    assert "where=heartbeat peer=encoder-1 what='codec vp9'" in said[0]
    # `check_heartbeat` refuses what is no stream at all, as before.
    odd = replace(beat, streams=(bus.HeldStream("nonsense", 1),))
    assert decoded.decode(bus.encode(odd)) == odd


async def test_all_are_read_in_order_and_while_more_may_wait_time_stands_still() -> None:
    context = zmq.asyncio.Context()
    inlet, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
    count = 4 * BATCH
    inlet.set_hwm(2 * count)
    push.set_hwm(2 * count)
    inlet.bind("inproc://inlet")
    push.connect("inproc://inlet")
    for number in range(count):
        await push.send(b"?" if number == 7 else bus.encode(encoder(number)))
    heard: list[str] = []
    until: list[float] = []
    far = 1e12

    def handle(message: bus.DirectoryInlet) -> None:
        heard.append(message.id)
        until.append(reader.read_until(far))

    reader = InletReader(inlet, handle)
    assert reader.read_until(far) == far
    task = asyncio.create_task(reader.run())
    try:
        async with asyncio.timeout(20):
            while len(heard) < count - 1 or reader.read_until(far) != far:
                await asyncio.sleep(0.01)
                await push.send(bus.encode(capture()))
    finally:
        task.cancel()
        context.destroy(linger=0)
    expected = [f"encoder-{number}" for number in range(count) if number != 7]
    assert heard[: count - 1] == expected
    # The first batch did not take all messages, so the second counts from the same moment.
    assert until[0] == far
    assert len({moment for moment in until[BATCH + 1 : count - BATCH] if moment != far}) == 1
    assert until[2 * BATCH] != far
