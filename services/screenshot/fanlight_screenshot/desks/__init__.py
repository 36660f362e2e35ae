"""Desks as this service sees them: the newest picture on demand, and what each client has of it.

It owns the desks, their pointers and the clients' views. It lives on the worker's loop; a pool of
threads copies pixels and makes patches. It drops every frame but the newest, and the views that
were used longest ago.
"""
