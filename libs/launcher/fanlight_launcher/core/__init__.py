"""The pure part of the launcher: command line, plan, rules for restarts, formats of other programs.

It owns no state but the deaths of processes. It does no I/O and reads no clock, so that any thread
may use it. It drops nothing: what it cannot understand is an error, or an empty answer if the
docstring says so.
"""
