"""Errors, names, clocks and policies that everything is built on.

Pure: standard library, `protocol` and other `core` modules only; time is an argument. Holds no
state of a process, lives on no thread of its own, and drops nothing.
"""
