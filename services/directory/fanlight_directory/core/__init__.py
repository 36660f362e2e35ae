"""The directory's state machine: heartbeats and subscriptions go in, records and leases come out.

Pure: time is an argument, and no thread or loop is needed. It owns what is known of processes,
desks and leases, and drops claims that cannot be true.
"""
