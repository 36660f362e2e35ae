"""What every service is: one process on the bus, from its start to its end.

Owns the worker (sockets, heartbeats, health) and what runs it (signals, drain, the status that the
process ends with). Lives on the loop that `supervision.run` makes, with a thread for the signals.
Drops what has not left the process when its time to stop is over.
"""
