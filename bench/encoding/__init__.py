"""What libx264's settings cost and give on what desks show: `python -m bench.encoding`.

Everything runs in one process and in virtual time, without an X server, on drawn desks; CPU is the
process's clock. It drops the pictures and units, and keeps their figures.
"""
