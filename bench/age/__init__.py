"""Measures how old the picture is that a browser shows. `__main__` says how to run it.

A cell starts a system, a load and a Chromium, and ends all three. Everything that draws is a
process of its own; `meter.js` runs in the page and reads what it shows. The bench's own process has
one thread and waits. A run drops the ages of its warm-up.
"""
