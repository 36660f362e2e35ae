"""Measurements, each runnable by one command. See docs/performance.md."""
