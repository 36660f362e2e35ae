"""Viewers: what their messages mean, what they are sent next, and the transports that carry it.

`viewer` is one viewer and `viewer_video` its video, over any `transport`: `websocket` and
`plain_http` are the two. Lives on the worker's loop. Video is dropped here before it is sent, as
`core.gate` decides; of other messages only older ones of the same kind are.
"""
