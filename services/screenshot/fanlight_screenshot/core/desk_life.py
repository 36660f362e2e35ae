"""The life of a desk in this service: when is it connected to, and when is it left alone.

Pure. Owns the state and the newest record of one desk. Drops the records before that.

A desk that raised an error is closed. The next request for it opens it anew, and so does a record
that says something new. Its viewers then begin with a whole picture:

    state    event        next     effect
    unknown  request      unknown  -
    unknown  record       open     connect
    open     request      open     -
    open     record       open     move
    open     same record  open     move
    open     error        failed   close
    failed   request      open     connect
    failed   record       open     connect
    failed   same record  failed   -

There is no DeskLife of an *unknown* desk: the first record makes one. If connecting raises an
error, the desk is *failed* at once. *same record*: the record says nothing new. A failed desk is
not opened by it, because opening a desk subscribes to its record, and the directory answers each
subscription: that answer would open a broken desk again and again. Two tests hold the table and the
code together: one drives this module, the other `desks.desk_pool`.
"""

from enum import StrEnum

from fanlight_common.protocol import bus


class DeskEffect(StrEnum):
    """What is to be done with the desk."""

    NOTHING = "-"
    CONNECT = "connect"
    MOVE = "move"
    """The open desk takes over the new record."""


class DeskLife:
    """One desk, from its first record on. It is to be connected to at once."""

    def __init__(self, record: bus.DeskRecord) -> None:
        self.record = record
        """The newest record. Only methods change it."""
        self.is_open = True
        """False if the desk is *failed*. Only methods change it."""

    def requested(self) -> DeskEffect:
        """Note that somebody asks for the desk."""
        return DeskEffect.NOTHING if self.is_open else self._connect()

    def recorded(self, record: bus.DeskRecord) -> DeskEffect:
        """Take over a record that is not the first one."""
        is_new = record != self.record
        self.record = record
        if self.is_open:
            return DeskEffect.MOVE
        return self._connect() if is_new else DeskEffect.NOTHING

    def failed(self) -> None:
        """Note that the open desk raised an error. The caller closes it."""
        self.is_open = False

    def _connect(self) -> DeskEffect:
        self.is_open = True
        return DeskEffect.CONNECT
