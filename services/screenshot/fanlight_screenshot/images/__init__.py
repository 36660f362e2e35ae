"""From frames to image files and patches, and the last few of each kept.

The encoding runs in the service's pool of threads; what is kept lives on the worker's loop. It
drops what was used longest ago.
"""
