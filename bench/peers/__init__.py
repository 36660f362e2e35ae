"""Other systems, which the same meter measures under the same conditions. See `__main__`."""
