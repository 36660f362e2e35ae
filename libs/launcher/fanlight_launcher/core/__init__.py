"""The pure part of the launcher: command line, plan, rules for restarts, texts and bytes of others.

It does no I/O, reads no clock and keeps no thread, so that each caller may use it on any. It drops
nothing: what it cannot understand is an error, or an empty answer where its docstring says so.
"""
