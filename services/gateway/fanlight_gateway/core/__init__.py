"""What the gateway decides: gates, congestion, renditions, limits, origins. Pure: time is an
argument.

Lives on no thread and does no I/O. What is dropped for a slow viewer is decided in `gate`, which
rendition it gets in `ladder`, and how much its network carries in `congestion`.
"""
