"""The public HTTP server: routes, tokens and cookies, the viewer's page, screenshots passed on.

Lives on the worker's loop. A token is checked in `auth`. Keeps no state of viewers, and drops
nothing but requests whose clients have left.
"""
