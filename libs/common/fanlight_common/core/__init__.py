"""Errors, names and clocks that everything is built on. Pure: standard library only, time is an
argument. Holds no state of a process and drops nothing.
"""
