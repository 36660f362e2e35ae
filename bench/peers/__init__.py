"""Other systems, which the same meter measures under the same conditions. See `__main__`.

Each is a `System` (`bench.systems`), whose servers are processes that end with the measurement.
`setup` installs what they need. Nothing of fanlight imports them.
"""
