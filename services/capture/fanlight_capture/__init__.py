"""Capture: publishes one desk's pictures and events, and injects the input of its viewers.

Owns the connection to the desk's display. Everything lives on the worker's loop, which never waits
for a display. It may drop pictures, because a newer one shows everything, and never a key or a
button.
"""
