"""The public HTTP routes: pages, sign-in, screenshots, problems.

Lives on the worker's loop. Drops nothing; a request that cannot be served gets a problem as answer.
"""
