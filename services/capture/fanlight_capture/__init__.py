"""Capture: publishes one desk's pictures and events, and injects the input of its viewers.

Everything lives on the worker's loop, which never waits for a display. It may leave out pictures
(nobody is shown a change that another has already covered), never a key or a button.
"""
