"""The directory: who is alive, and which encoder encodes which stream. No pixels come here.

It owns the leases, and publishes a record of each desk, service and lease. It keeps nothing on
disk, and learns everything again when it restarts. `core` decides; `service` and `inlet` move
messages on the worker's one loop. It drops heartbeats that cannot be true.
"""
