"""How processes reach each other: sockets, keys, the directory, feeds of frames and of units.

Lives on the worker's loop. Frames are dropped here (a consumer gets the newest, by CONFLATE), and
units of encoders whose lease is over; no other message is dropped without being counted.
"""
