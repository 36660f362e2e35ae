"""Video codecs: pictures in, access units out, and which of them this machine can run.

Called from the thread of the stream that owns the codec. Drops nothing: one unit for one picture.
"""
