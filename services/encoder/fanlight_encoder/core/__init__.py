"""The encoder's decisions: when to encode, how many bytes, which unit is an IDR.

Pure: time is an argument, and nothing here has a thread. Its objects own the state of one stream
each. It drops nothing itself: it decides which frames the stream drops.
"""
