"""An X display as a source: grabs, input, text, pointer, clipboard over one connection.

Owns the connection to the X server. Lives on the worker's loop, which never waits for the server;
only opening a display blocks, on a thread of its own. Drops characters that cannot be typed and
clipboards that are not text, and counts them.
"""
