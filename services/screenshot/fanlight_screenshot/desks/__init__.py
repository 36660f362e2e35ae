"""Desks as this service sees them: the newest picture on demand, and what each client has of it.

Lives on the worker's loop; pixels are copied and patches made in a pool of threads. It drops every
frame but the newest, and the views that were used longest ago.
"""
