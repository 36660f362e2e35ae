"""The synthetic desk: moving pictures without a display, and a record of the input that it got.

Lives on the worker's loop. Drops nothing.
"""
