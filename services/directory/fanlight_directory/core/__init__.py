"""The directory's state machine: heartbeats and subscriptions go in, records and leases come out.

Pure: time is an argument. Drops claims that cannot be true, and says so.
"""
