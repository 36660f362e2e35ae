"""The public HTTP server: routes, tokens and cookies, the viewer's page, screenshots passed on.

Lives on the worker's loop. A token is checked in `auth`. It owns the application and no state of
viewers. It drops nothing but requests whose clients have left.
"""
