"""What the gateway receives from the bus and passes on to viewers: streams, desks and their events.

Lives on the worker's loop. Each stream and each desk is received once, while somebody watches it,
and fanned out here. Drops nothing itself: the feeds (`fanlight_common.bus`) drop units of encoders
whose lease is over, and each viewer's gate the rest.
"""
