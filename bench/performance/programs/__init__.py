"""The programs that the performance bench starts beside fanlight's own services.

`viewers` stands in for browsers, `feeder` for a directory, a desk and an encoder. Each runs in a
process of its own, so that what it costs is not counted for the bench or a service. A program lives
until the part of the bench that started it ends it, and leaves nothing behind.
"""
