"""From frames to image files and patches; the last few of each are kept.

It owns the caches of encodings and pictures. The encoding runs in the service's pool of threads,
and the caches live on the worker's loop. They drop what was used longest ago.
"""
