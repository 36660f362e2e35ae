"""Browsers in, bus out: the only public door."""
