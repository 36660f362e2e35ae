"""Viewers: what their messages mean, what they are sent next, and the transports that carry it.

`viewer` is one viewer, and `viewer_video` is its video. Both work over any `transport`. There are
two: `websocket`, and `plain_http_transport`, whose requests `plain_http_sessions` answers. All of
this lives on the worker's loop. Video is dropped before it is sent, as `core.gate` decides. Of the
other messages, a newer one replaces an older one of the same kind.
"""
