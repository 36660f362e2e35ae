"""How fanlight grows: the directory in virtual time, and fifty desks on this machine."""
