"""Frames in, H.264 access units out."""
