"""Child processes: how one is started and ended, and how a set of them is kept running.

Lives on the launcher's event loop. Every child ends with the launcher.
"""
