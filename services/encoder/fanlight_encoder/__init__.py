"""The encoder: frames in, units out.

`service` owns the leases, `stream` owns one stream and does what `core` decides, `units` builds its
units, and `codecs` encodes. It lives on the worker's loop, with threads that convert and encode.
It drops frames before encoding, and never a unit.
"""
