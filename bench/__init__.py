"""Measurements, each of which one command runs. docs/performance.md describes them.

Nothing here runs in production. A bench starts the processes that it measures, and ends them.
"""
