"""How fanlight grows: the directory in virtual time, and fifty desks on this machine.

`__main__` runs the parts. `simulation` and `locality` need no process and no socket; the others
start services, and end them. All viewers of a part live on the event loop of the bench. They count
the units that they get, and drop them.
"""
