"""The latest frames of a desk in shared memory: one writer, any number of readers, no copies.

One SysV segment holds a header and a few slots. It is a SysV segment because MIT-SHM takes those:
the X server writes its pixels straight into a slot. The writer owns the segment, and marks it for
removal as soon as it has it. On Linux others can still attach it by number, and nothing is left
behind however the processes end. A ring is written on one thread and a reader is used on one thread
at a time. A frame is dropped when its slot is written again.

Torn frames: each slot has a generation, which is odd while the slot is written. A descriptor
carries the generation that it was published with. A reader compares the two before and after it has
worked on the pixels, and raises FrameLostError if they differ. With SLOTS slots at 60 frames a
second, a reader of the newest frame has (SLOTS - 1) * 16 ms before that happens.

This needs an order of memory accesses: the generation becomes odd before the first new pixel is
stored and even after the last one, and a reader reads it after the last pixel. The interpreter
keeps this order, because each store and load here is a call into C. x86 keeps the order of stores
and the order of loads, and memcpy fences those stores that are not ordered. Machines that do not
keep it (ARM) get `_fence` in those three places. The X server is another process: it is asked and
it answers through a socket, which orders its stores between those of the writer on every machine.
All 8 bytes of a generation are stored at once.

    0    8s   magic
    8    u64  nonce (tells a segment from a later one that was given the same number)
   16    u64  size of a slot, bytes
   24    u64  number of slots
   64    u64  generation of slot 0, slot i at 64 * (i + 1): a cache line each
   4096  slot 0, page aligned, then the others
"""

import ctypes
import os
import platform
import secrets
import struct
from types import TracebackType
from typing import Any, Self

from fanlight_common.core.errors import ConfigurationError, FrameLostError, SegmentLostError
from fanlight_common.protocol.frames import SlotRef

SLOTS = 4
_MAGIC = b"fanlight"
_PAGE = 4096
_HEADER = struct.Struct("<8sQQQ")
_CACHE_LINE_WORDS = 8
_IPC_PRIVATE, _IPC_RMID, _IPC_CREAT, _SHM_RDONLY = 0, 0, 0o1000, 0o10000

_libc = ctypes.CDLL(None, use_errno=True)
_libc.shmget.argtypes = (ctypes.c_int, ctypes.c_size_t, ctypes.c_int)
_libc.shmat.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_int)
_libc.shmat.restype = ctypes.c_void_p
_libc.shmdt.argtypes = (ctypes.c_void_p,)
_libc.shmctl.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_void_p)


def _fence() -> None:
    """Finish every load and store before this call ahead of every load and store after it.

    ctypes releases the interpreter's lock around the call and takes it again. No load or store
    passes such a release and acquisition, by POSIX ("functions that synchronize memory") and on
    ARM. It takes 0.2 us, so it is called only on machines that need it.
    """
    _libc.getppid()


def _no_fence() -> None:
    """Do nothing: the machine keeps the order by itself."""


_order = _no_fence if platform.machine() in ("x86_64", "i686") else _fence


def host_id() -> str:
    """Return a text that is equal for two processes that can share segments.

    Those are processes of the same boot and the same IPC namespace.
    """
    with open("/proc/sys/kernel/random/boot_id") as file:
        boot = file.read().strip()
    return f"{boot}/{os.readlink('/proc/self/ns/ipc')}"


def _page_up(size: int) -> int:
    return -(-size // _PAGE) * _PAGE


class _Attachment:
    """Detaches a segment when the last view of it has gone."""

    def __init__(self, address: int) -> None:
        self._address = address

    def __del__(self) -> None:
        _libc.shmdt(self._address)


def _attach(number: int, *, read_only: bool, size: int) -> memoryview:
    """Return the first `size` bytes of a segment, which stays attached while a view of them exists.

    Raises SegmentLostError.
    """
    address = _libc.shmat(number, None, _SHM_RDONLY if read_only else 0)
    if address in (None, ctypes.c_void_p(-1).value):
        raise SegmentLostError(f"segment {number}: {os.strerror(ctypes.get_errno())}")
    attachment = _Attachment(address)
    # This is a subclass, because its instances can have attributes: a view keeps the instance
    # alive, and the instance keeps the attachment.
    kind: Any = type("_Bytes", (ctypes.c_ubyte * size,), {})
    array = kind.from_address(address)
    array.attachment = attachment
    return memoryview(array).cast("B")


class FrameRing:
    """The writer's side, owned by capture. Frames of up to `slot_bytes` bytes.

    Raises ConfigurationError if the system gives no shared memory.
    """

    def __init__(self, slot_bytes: int, slots: int = SLOTS) -> None:
        self.slot_bytes = _page_up(slot_bytes)
        self.slots = slots
        self.nonce = secrets.randbits(63) | 1
        size = _PAGE + slots * self.slot_bytes
        self.segment: int = _libc.shmget(_IPC_PRIVATE, size, _IPC_CREAT | 0o600)
        if self.segment < 0:
            reason = os.strerror(ctypes.get_errno())
            raise ConfigurationError(f"no shared memory of {size} bytes: {reason}")
        try:
            self._memory = _attach(self.segment, read_only=False, size=size)
        finally:
            _libc.shmctl(self.segment, _IPC_RMID, None)
        _HEADER.pack_into(self._memory, 0, _MAGIC, self.nonce, self.slot_bytes, slots)
        # A store through a view of words is one store; struct.pack_into clears the bytes first.
        self._words = self._memory[:_PAGE].cast("Q")
        self._next = 0

    def begin(self) -> int:
        """Claim the oldest slot for writing; returns its number. Readers lose the slot's frame."""
        slot = self._next
        self._next = (slot + 1) % self.slots
        # The generation is odd already if the last write was given back. It becomes the next odd
        # number in either case.
        self._words[_word(slot)] += 1 + self._words[_word(slot)] % 2
        _order()
        return slot

    def give_back(self, slot: int) -> None:
        """Publish nothing in the slot that was just begun: the next `begin` claims it again.

        Without this, writes without a result would go round the ring and take the newest frame's
        slot.
        """
        self._next = slot

    def publish(self, slot: int) -> SlotRef:
        """Note that the slot's pixels are complete. Returns what readers need to find them."""
        _order()
        generation = self._words[_word(slot)] + 1
        self._words[_word(slot)] = generation
        return SlotRef(self.segment, slot, self.nonce, generation, self.offset(slot))

    def offset(self, slot: int) -> int:
        """Return where the slot's pixels begin in the segment, in bytes. For MIT-SHM requests."""
        return _PAGE + slot * self.slot_bytes

    def pixels(self, slot: int) -> memoryview:
        """Return a writable view of the slot's bytes."""
        return self._memory[self.offset(slot) : self.offset(slot) + self.slot_bytes]


def _word(slot: int) -> int:
    """Return the index of a slot's generation among the words of the first page."""
    return _CACHE_LINE_WORDS * (slot + 1)


class RingReader:
    """The readers' side. Keeps the segment of the newest descriptor attached, and no other."""

    def __init__(self) -> None:
        self._memory: memoryview | None = None
        self._words: memoryview[int] | None = None
        self._segment = -1
        self._nonce = 0
        self._slot_bytes = 0
        self._slots = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Detach the segment, once the last view of it is gone."""
        self._memory = self._words = None
        self._segment = -1

    def view(self, ref: SlotRef, size_bytes: int) -> memoryview:
        """Return the pixels that `ref` names, and the slot's unused bytes behind them.

        Do not write there. Raises FrameLostError if the pixels are gone or were overwritten. Call
        `check` after use.
        """
        self._attach(ref)
        fits = ref.slot < self._slots and size_bytes <= self._slot_bytes
        if not fits or ref.offset != _PAGE + ref.slot * self._slot_bytes:
            raise FrameLostError("descriptor does not fit its segment")
        self.check(ref)
        assert self._memory is not None
        return self._memory[ref.offset : ref.offset + self._slot_bytes]

    def check(self, ref: SlotRef) -> None:
        """Raise FrameLostError if the slot was written since `ref` was published."""
        if self._words is None or ref.nonce != self._nonce:
            raise FrameLostError("another segment")
        _order()
        if self._words[_word(ref.slot)] != ref.generation:
            raise FrameLostError(f"slot {ref.slot} was overwritten")

    def _attach(self, ref: SlotRef) -> None:
        if self._memory is not None and (self._segment, self._nonce) == (ref.segment, ref.nonce):
            return
        self.close()
        head = _attach(ref.segment, read_only=True, size=_PAGE)
        magic, nonce, slot_bytes, slots = _HEADER.unpack_from(head)
        if magic != _MAGIC or nonce != ref.nonce:
            raise SegmentLostError(f"segment {ref.segment} is another's")
        self._memory = _attach(ref.segment, read_only=True, size=_PAGE + slots * slot_bytes)
        self._words = self._memory[:_PAGE].cast("Q")
        self._segment, self._nonce = ref.segment, nonce
        self._slot_bytes, self._slots = slot_bytes, slots
