"""How processes reach each other: sockets, keys, the directory, feeds of frames, units and events.

Lives on the worker's loop. Drops frames (a consumer gets the newest, by CONFLATE) and the units of
encoders whose lease is over. No other message is dropped without being counted.
"""
