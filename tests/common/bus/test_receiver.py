"""A socket's messages, handed over without a task for each."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import zmq

from fanlight_common.bus.receiver import BATCH, Receiver

Open = Callable[[int], zmq.Socket[bytes]]


@pytest.fixture
async def opened() -> AsyncIterator[Open]:
    """Opens sockets of one context."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    sockets: list[zmq.Socket[bytes]] = []

    def make(kind: int) -> zmq.Socket[bytes]:
        sockets.append(context.socket(kind))
        return sockets[-1]

    yield make
    for socket in sockets:
        socket.close(linger=0)
    context.term()


def pair(opened: Open) -> tuple[zmq.Socket[bytes], zmq.Socket[bytes]]:
    """A PULL and a PUSH that is connected to it."""
    pull, push = opened(zmq.PULL), opened(zmq.PUSH)
    for socket in (pull, push):
        socket.set_hwm(4 * BATCH)
    pull.bind("inproc://inlet")
    push.connect("inproc://inlet")
    return pull, push


async def until(done: asyncio.Event) -> None:
    async with asyncio.timeout(20):
        await done.wait()


async def test_all_come_in_order_those_from_before_and_more_than_a_batch(
    opened: Open,
) -> None:
    pull, push = pair(opened)
    count, got, done = 2 * BATCH + 10, list[int](), asyncio.Event()
    looks: list[bool] = []

    def take(data: bytes) -> None:
        got.append(int(data))
        if len(got) in (count, count + 1):
            done.set()

    for number in range(count):
        push.send(b"%d" % number)
    receiver = Receiver(pull, take, looked=looks.append)
    running = asyncio.create_task(receiver.run())
    await until(done)
    done.clear()
    assert not running.done()
    assert looks[0] is False
    await asyncio.sleep(0)
    push.send(b"%d" % count)
    await until(done)
    assert got == list(range(count + 1))
    # A receiver that is paused looks after a while.
    done.clear()
    receiver.pause(0.01)
    got.pop()
    push.send(b"%d" % count)
    await until(done)
    assert looks[-1] is True
    running.cancel()


async def test_what_is_sent_by_the_same_socket_hides_nothing_that_arrives(
    opened: Open,
) -> None:
    outlet = opened(zmq.XPUB)
    outlet.setsockopt(zmq.XPUB_VERBOSE, 1)
    outlet.bind("inproc://outlet")
    reports: list[bytes] = []
    done = asyncio.Event()

    def take(report: bytes) -> None:
        reports.append(report)
        done.set()

    receiver = Receiver(outlet, take)
    running = asyncio.create_task(receiver.run())
    subscriber = opened(zmq.SUB)
    subscriber.connect("inproc://outlet")
    for number in range(200):
        done.clear()
        topic = b"t%d/" % number
        subscriber.subscribe(topic)
        # Each of these calls may use up the descriptor's signal, so that the loop sees nothing.
        for _ in range(3):
            receiver.send(b"other", b"x")
        await until(done)
        assert reports[-1] == b"\x01" + topic
        receiver.send(topic, b"for you")
        receiver.send(topic + b"all of one part")
        assert subscriber.recv_multipart() == [topic, b"for you"]
        assert subscriber.recv_multipart() == [topic + b"all of one part"]
    running.cancel()


async def test_closing_ends_it_also_from_within(opened: Open) -> None:
    pull, push = pair(opened)
    got: list[bytes] = []

    def take(data: bytes) -> None:
        got.append(data)
        receiver.close()

    receiver = Receiver(pull, take)
    push.send(b"1")
    push.send(b"2")
    async with asyncio.timeout(20):
        await receiver.run()
    assert got == [b"1"]
    assert pull.closed
    # `run` of a receiver that is closed already returns at once.
    await receiver.run()
    receiver.look_soon()
    receiver.close()


async def test_what_the_taker_raises_ends_whoever_runs_it(
    opened: Open,
) -> None:
    pull, push = pair(opened)

    def take(data: bytes) -> None:
        raise ZeroDivisionError(data.decode())

    push.send(b"nobody named this")
    with pytest.raises(ZeroDivisionError, match="nobody named this"):
        async with asyncio.timeout(20):
            await Receiver(pull, take).run()
