"""Other systems, measured by the same meter in the same conditions. See `__main__`."""
