"""The demonstration desk: what `fanlight up` shows where no display is named.

It owns what runs on the desk and how that looks; the supervisor runs it. When a program of the desk
cannot be kept running, the launcher goes on without it.
"""
