"""Frames in, access units out. `service` holds the leases, `stream` makes one stream's units by the
decisions of `core`, `units` builds them, `codecs` encodes. The loop is the worker's; converting and
encoding are on threads. Frames are dropped before encoding, units never.
"""
