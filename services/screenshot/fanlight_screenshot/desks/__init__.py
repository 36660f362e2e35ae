"""Desks as this service sees them: the newest picture on demand, and what each client has of it.

Lives on the worker's loop. Drops the views that were used longest ago.
"""
