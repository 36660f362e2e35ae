"""Give the root window of DISPLAY one colour (#rrggbb): what xsetroot does, without its 60 MB."""

import sys

import xcffib
from xcffib import xproto

connection = xcffib.connect()
screen = connection.get_setup().roots[connection.pref_screen]
colour = int(sys.argv[1].removeprefix("#"), 16)
connection.core.ChangeWindowAttributes(screen.root, xproto.CW.BackPixel, [colour])
connection.core.ClearArea(False, screen.root, 0, 0, 0, 0)
# An answer: a server that sees the connection end drops what it has not read from it.
connection.core.GetInputFocus().reply()
connection.disconnect()
