"""The screenshot service's HTTP routes, and who may use them.

It owns the application, and no state of clients. It lives on the worker's loop. It drops requests
whose clients have left; a client that asks for too much is answered 503.
"""
