"""The encoder's decisions: when to encode, how many bytes, which unit is an IDR. Pure: time is an
argument. Drops nothing itself; it says which frames are left out.
"""
