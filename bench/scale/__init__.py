"""How fanlight grows: the directory in virtual time, and fifty desks on this machine.

`__main__` runs the parts. All viewers of a part live on one event loop.
"""
