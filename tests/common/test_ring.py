"""Shared memory frames: never torn, never another's, nothing left behind."""

import multiprocessing
from dataclasses import replace
from multiprocessing.connection import Connection

import numpy as np
import pytest

from fanlight_common.errors import ConfigurationError, FrameLostError
from fanlight_common.protocol.frames import SlotRef
from fanlight_common.ring import SLOTS, FrameRing, RingReader, host_id

ROWS, STRIDE = 108, 1920
SIZE = ROWS * STRIDE


def _write(ring: FrameRing, value: int) -> SlotRef:
    slot = ring.begin()
    ring.pixels(slot)[:SIZE] = bytes([value % 256]) * SIZE
    return ring.publish(slot)


def test_what_is_written_is_read() -> None:
    ring = FrameRing(SIZE)
    with RingReader() as reader:
        for value in range(1, 10):
            ref = _write(ring, value)
            view = reader.view(ref, SIZE)
            assert bytes(view[:SIZE]) == bytes([value]) * SIZE
            reader.check(ref)


def test_an_overwritten_slot_is_noticed_before_and_after() -> None:
    ring = FrameRing(SIZE)
    reader = RingReader()
    ref = _write(ring, 1)
    reader.view(ref, SIZE)
    for value in range(SLOTS - 1):
        _write(ring, value)
    reader.check(ref)
    ring.begin()  # the writer is in the slot now
    with pytest.raises(FrameLostError):
        reader.check(ref)
    with pytest.raises(FrameLostError):
        reader.view(ref, SIZE)


def test_a_write_that_was_given_up_stays_odd_until_the_next() -> None:
    ring = FrameRing(SIZE, slots=1)
    ring.begin()
    ref = ring.publish(ring.begin())
    assert ref.generation % 2 == 0
    with RingReader() as reader:
        reader.view(ref, SIZE)


def test_views_outlive_reader_and_writer() -> None:
    ring = FrameRing(SIZE)
    reader = RingReader()
    view = reader.view(_write(ring, 7), SIZE)
    reader.close()
    del ring
    assert view[SIZE - 1] == 7


def test_a_reader_follows_to_a_new_segment() -> None:
    reader = RingReader()
    old = _write(FrameRing(SIZE), 1)
    ring = FrameRing(SIZE)
    assert reader.view(_write(ring, 2), SIZE)[0] == 2
    with pytest.raises(FrameLostError):
        reader.check(old)


def test_descriptors_that_do_not_fit_are_refused() -> None:
    ring = FrameRing(SIZE)
    ref = _write(ring, 1)
    reader = RingReader()
    for wrong in (
        replace(ref, nonce=ref.nonce + 1),
        replace(ref, slot=SLOTS),
        replace(ref, slot=4_000_000),
        replace(ref, offset=0),
        replace(ref, segment=2**31 - 1),
    ):
        with pytest.raises(FrameLostError):
            reader.view(wrong, SIZE)
    with pytest.raises(FrameLostError):
        reader.view(ref, ring.slot_bytes + 1)
    with pytest.raises(FrameLostError):
        RingReader().check(ref)


def test_a_segment_goes_with_its_last_user() -> None:
    ring = FrameRing(SIZE)
    ref = _write(ring, 1)
    del ring
    with pytest.raises(FrameLostError):
        RingReader().view(ref, SIZE)


def test_too_much_memory_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="no shared memory"):
        FrameRing(2**50)


def test_host_id_is_of_this_boot_and_namespace() -> None:
    assert host_id() == host_id()
    assert "ipc:[" in host_id()


def _fast_writer(pipe: Connection) -> None:
    ring = FrameRing(SIZE)
    number = 0
    while not pipe.poll():
        number += 1
        slot = ring.begin()
        # Row by row, every row with the frame's number: a torn frame has two numbers.
        rows = np.frombuffer(ring.pixels(slot), np.uint8)[:SIZE].reshape(ROWS, STRIDE)
        for row in rows:
            row[:] = number % 251
        pipe.send(ring.publish(slot))
    pipe.recv()


def test_no_torn_frame_under_a_writer_that_never_waits() -> None:
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    writer = multiprocessing.get_context("spawn").Process(target=_fast_writer, args=(theirs,))
    writer.start()
    theirs.close()
    reader = RingReader()
    whole = lost = 0
    try:
        while whole < 500 or lost < 1:
            ref = ours.recv()
            while ours.poll():  # the newest, as CONFLATE would give it
                ref = ours.recv()
            try:
                view = reader.view(ref, SIZE)
                rows = np.frombuffer(view[:SIZE], np.uint8)
                lowest, highest = int(rows.min()), int(rows.max())
                reader.check(ref)
            except FrameLostError:
                lost += 1
                continue
            whole += 1
            assert lowest == highest, "a torn frame passed the check"
    finally:
        ours.send(None)
        while writer.is_alive():
            if ours.poll(0.01):
                try:
                    ours.recv()
                except EOFError:
                    break
        writer.join()


def test_the_layout_is_what_the_docstring_says() -> None:
    ring = FrameRing(5000)
    assert ring.slot_bytes == 8192
    assert [ring.offset(slot) for slot in range(3)] == [4096, 4096 + 8192, 4096 + 2 * 8192]
