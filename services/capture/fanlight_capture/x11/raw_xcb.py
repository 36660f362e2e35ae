"""What xcffib does but does not offer: a reply's raw bytes, and the socket of a lost connection.

The one module that uses private names of xcffib (`Connection._conn`, and libxcb through
`xcffib.lib`). Its upper bound stands in pyproject.toml, and a test fails when a name is gone.
Works on the caller's thread and never blocks. Owns and drops nothing.
"""

from typing import Any

import xcffib

_xcffib: Any = xcffib  # Its types cover only a part of it, and not this one.


def poll_for_reply(raw: Any, sequence: int) -> bytes | int | None:
    """The reply to request `sequence` of the connection `raw`; None while there is none.

    An int is the code of the X error that came instead, or 0 if the connection was lost. Raw,
    because xcffib's own parsing makes a Python object of every byte of a large reply.
    """
    ffi, lib = _xcffib.ffi, _xcffib.lib
    reply_p = ffi.new("void **")
    error_p = ffi.new("xcb_generic_error_t **")
    if not lib.xcb_poll_for_reply(raw._conn, sequence, reply_p, error_p):
        return None
    if error_p[0] != ffi.NULL:
        code = int(error_p[0].error_code)
        xcffib.c_free(error_p[0])
        return code
    if reply_p[0] == ffi.NULL:
        return 0
    # Every reply has 32 bytes, and as many 4-byte words more as its length says.
    words = ffi.cast("xcb_generic_reply_t *", reply_p[0]).length
    data = bytes(ffi.buffer(reply_p[0], 32 + 4 * words))
    xcffib.c_free(reply_p[0])
    return data


def file_descriptor(raw: Any) -> int:
    """The connection's socket, also after it was lost: xcffib's own method raises then."""
    return int(_xcffib.lib.xcb_get_file_descriptor(raw._conn))
