"""Wait until a window manager has DISPLAY, LIMIT_S at most.

What is mapped while one starts may be overlooked by both: the X server leaves it to the window
manager, which has looked at what is there already. Its window is then never seen.
"""

import time

import xcffib
from xcffib import xproto

LIMIT_S, PAUSE_S = 5.0, 0.02
NAME = "_NET_SUPPORTING_WM_CHECK"

connection = xcffib.connect()
root = connection.get_setup().roots[connection.pref_screen].root
atom = connection.core.InternAtom(False, len(NAME), NAME).reply().atom
deadline = time.monotonic() + LIMIT_S
while time.monotonic() < deadline:
    if connection.core.GetProperty(False, root, atom, xproto.Atom.WINDOW, 0, 1).reply().value_len:
        break
    time.sleep(PAUSE_S)
connection.disconnect()
