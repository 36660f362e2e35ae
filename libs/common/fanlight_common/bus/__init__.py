"""How processes reach each other: sockets, keys, the directory, the newest frame of a desk.

Lives on the worker's loop. Frames are dropped here (a consumer gets the newest, by CONFLATE); no
other message is dropped without being counted.
"""
