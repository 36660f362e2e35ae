"""From a frame's pixels to a unit: colour conversion, patches, video.

Runs in the stream's own thread. A frame that was overwritten while it was read is dropped.
"""
