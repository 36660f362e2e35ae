"""Child processes: how one is started and ended, and how a set of them is kept running.

It owns the children, and every child ends with the launcher. Lives on the launcher's event loop. It
drops output lines of more than 1 MiB, and what a child's own children print after the child's end.
"""
