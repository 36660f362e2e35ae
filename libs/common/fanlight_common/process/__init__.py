"""What every process has: settings, logs, health, HTTP, the worker, and the supervision around it.

Lives on the worker's loop, except `health` and the signals of `supervision`, which have a thread
each. Drops nothing.
"""
