"""From frames to image files and patches, and the last few of each kept.

Runs in the service's pool of threads. Drops what was used longest ago.
"""
