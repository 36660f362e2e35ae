"""Measures how old the picture is that a browser shows. `__main__` says how to run it.

Everything that draws is a process of its own; `meter.js` runs in the page and reads what it shows.
"""
