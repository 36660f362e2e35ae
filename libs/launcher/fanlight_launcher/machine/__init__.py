"""What the launcher asks of this machine: programs, ports, X displays, memory, a private directory.

It owns the private directory, and no other state. Its functions block for at most a few seconds;
those that may take long are called in a thread. A check keeps nothing open, so that a port that was
free may be taken when the service starts.
"""
