"""What a process has whether or not it is on a bus: settings, clock, logs, health, HTTP, tokens.

Lives on the worker's loop, except `health`, which has a thread of its own. Drops nothing. Imports
nothing of `bus` and `service`, which both stand on it.
"""
