"""The gateway's decisions: gates, congestion, renditions, limits. Pure: time is an argument.

What may be dropped for a viewer is decided here (`gate`); the shells only carry it out.
"""
