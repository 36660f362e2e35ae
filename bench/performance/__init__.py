"""The table of what fanlight costs beside what cannot be avoided. See `__main__`."""
