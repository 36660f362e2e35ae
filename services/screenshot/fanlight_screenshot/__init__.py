"""Frames in, still images over HTTP out."""
