"""One viewer, whichever transport it comes by: what its messages mean and what it is sent next.

Lives on the worker's loop. Video is dropped here before it is sent, and only as the gate allows.
"""
