"""Viewers: what their messages mean, what they are sent next, and the transports that carry it.

`viewer` is one viewer and `viewer_video` its video, over any `transport`: `websocket` and
`plain_http_transport` are the two; `plain_http_sessions` answers the requests of the latter. Lives
on the worker's loop. Video is dropped here before it is sent, as `core.gate` decides. Of the other
messages, a newer one replaces an older one of the same kind.
"""
