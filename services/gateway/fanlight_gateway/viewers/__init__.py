"""Viewers: what their messages mean, what they are sent next, and the transports that carry it.

`viewer` is one viewer, and `viewer_video` is its video. Both work over any `transport`. There are
two: `websocket`, and `plain_http_transport`, whose requests `plain_http_sessions` answers. All of
this lives on the worker's loop. Video is dropped before it is sent, as `core.gate` decides. Of the
other messages, a newer one replaces an older one of the same kind.

Ten types describe one viewer. Each is needed for another reason:

    viewer.Viewer              what its messages mean, and which it is sent next
    viewer_video.ViewerVideo   what its path carries, and its rendition; simulations run it alone
    viewer_video.Subscription  its part in one stream; while it moves to another it has two
    fan_out.Subscriber         what a stream sees of a Subscription
    desk_channel.DeskViewer    what a desk's channel sees of a Viewer
    transport.Transport        what a Viewer sees of its connection
    WebSocketTransport         one such connection
    PlainHttpTransport         the other one
    ViewerWebSocketProtocol    the socket itself, a class of the HTTP server, which makes it before
                               anybody is admitted
    sampling.ViewerSample      what /metrics sees of a Viewer

Subscriber and DeskViewer are interfaces because `viewers` imports `streams`, so `streams` cannot
import `viewers`. They are two because one viewer may have two subscriptions, and only one desk.
"""
