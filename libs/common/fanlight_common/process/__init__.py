"""What every process has: settings, logs, health, HTTP, the worker that runs it all.

Lives on the worker's loop, except `health`, which is served by a thread of its own. Drops nothing.
"""
