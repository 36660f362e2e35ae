"""From changed pixels to small images: what the encoder and the screenshot service patch with.

Functions without state, called from any thread. Drops nothing: a caller decides what is sent.
"""
