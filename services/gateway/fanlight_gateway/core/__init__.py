"""What the gateway decides: gates, congestion, renditions, limits, origins. Pure: time is an
argument, in seconds.

Lives on no thread and does no I/O. `gate` decides what is dropped for a slow viewer, `ladder` which
rendition the viewer gets, and `congestion`, with `target_rate`, how much its network carries.
"""
