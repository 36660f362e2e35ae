"""The screenshot service's HTTP routes, and who may use them.

Lives on the worker's loop. It drops nothing: a client that asks for too much is answered 503.
"""
