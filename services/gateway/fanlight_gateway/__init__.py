"""The gateway: browsers on one side, the bus on the other. It streams video, passes input on, and
serves the viewer's page.

`core` decides, `viewers` are the browsers that watch, `streams` is what they watch, `http` the
routes. All of it lives on the worker's one loop.
"""
