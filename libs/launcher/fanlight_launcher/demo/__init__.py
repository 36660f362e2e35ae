"""The demonstration desk: what `fanlight up` shows if no display is named.

It owns what runs on the desk, and how that looks. It only writes files and describes processes, on
the launcher's main thread; the supervisor runs them. If a program of the desk cannot be kept
running, the launcher goes on without it.
"""
