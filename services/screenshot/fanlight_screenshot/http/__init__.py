"""The screenshot service's HTTP routes and who may use them. Lives on the worker's loop.

Drops nothing; who asks for too much is answered 429 or 503.
"""
