"""How old is the picture that a browser shows? See `__main__`."""
