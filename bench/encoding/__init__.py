"""What libx264's settings cost and give on what desks show: `python -m bench.encoding`."""
