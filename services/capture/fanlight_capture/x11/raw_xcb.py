"""What xcffib has and does not offer: a reply's raw bytes, and the socket of a lost connection.

Only this module uses private names of xcffib (`Connection._conn`, and libxcb through `xcffib.lib`).
xcffib's upper bound stands in pyproject.toml, and a test fails if one of the names is gone. Lives
on the thread that calls and never blocks. Owns and drops nothing.
"""

from typing import Any

import xcffib

_xcffib: Any = xcffib  # its types do not cover what is used here


def poll_for_reply(raw: Any, sequence: int) -> bytes | int | None:
    """Return the reply to request `sequence` of the connection `raw`, None until it comes.

    An int is the code of the X error that came instead, or 0 if the connection was lost. The reply
    is raw bytes, because xcffib's own parsing makes a Python object of every byte.
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
    # Every reply has 32 bytes, and then as many 4-byte words as its length says.
    words = ffi.cast("xcb_generic_reply_t *", reply_p[0]).length
    data = bytes(ffi.buffer(reply_p[0], 32 + 4 * words))
    xcffib.c_free(reply_p[0])
    return data


def file_descriptor(raw: Any) -> int:
    """Return the connection's socket, also after a loss, when xcffib's own method raises."""
    return int(_xcffib.lib.xcb_get_file_descriptor(raw._conn))
