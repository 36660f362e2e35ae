"""From a frame's pixels to a unit: colour conversion, patches, video.

Owns the picture that viewers have. Lives on whatever thread calls, one call of a stream at a time.
Drops a frame that was overwritten while it was read.
"""
