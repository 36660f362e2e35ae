"""Every message that fanlight sends, each defined once, here.

- `binary`: binary messages between viewer and gateway
- `control`: JSON messages between viewer and gateway
- `frames`: raw frames on the bus
- `bus`: everything else on the bus
- `topics`: the prefixes that subscriptions are made of
- `keys`: physical keys
"""
