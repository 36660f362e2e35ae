"""The encoder's decisions: when to encode, how many bytes, which unit is an IDR. Pure: time is an
argument, and nothing here has a thread. Drops nothing itself; it says which frames are left out.
"""
