"""Child processes: how one is started and ended, and how a set of them is kept running.

Lives on the launcher's event loop; every child ends with the launcher. It drops output lines
longer than 1 MiB, and what a child's own children print after the child's end.
"""
