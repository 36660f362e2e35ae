"""An X display as a source: grabs, input, text, pointer, clipboard over one connection.

Lives on the worker's loop, which never waits for the X server; only opening a display blocks, on a
thread of its own. Drops characters that cannot be typed and clipboards that are no text, counted.
"""
