"""The gateway: browsers on one side, the bus on the other. It streams video, passes input on, and
serves the viewer's page.

It owns the viewers' connections. `core` decides, `viewers` are the browsers that watch, `streams`
is what they watch, and `http` has the routes. All of it lives on the worker's one loop. It drops
units that a viewer's path cannot carry.
"""
