"""The directory's state machine: heartbeats and subscriptions in, records and leases out. Pure:
time is an argument. Drops what is no possible claim, and says so.
"""
