"""One desk: its pixels out, its input in."""
