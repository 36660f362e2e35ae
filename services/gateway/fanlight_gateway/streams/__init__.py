"""Receives streams, desks and their events from the bus, and passes them on to viewers.

Lives on the worker's loop. Each stream and each desk is received once, while somebody watches it,
and fanned out here. Nothing is dropped here: the feeds (`fanlight_common.bus`) drop units of
encoders whose lease is over, and each viewer's gate drops what the viewer cannot be sent.
"""
