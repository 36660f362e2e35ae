"""An X display as a source: grabs, input, text, pointer, clipboard over one connection.

Lives on the worker's loop, which never waits for the X server. Drops nothing.
"""
